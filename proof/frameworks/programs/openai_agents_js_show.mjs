// A show in the OpenAI Agents SDK for JavaScript.
import {
  Agent,
  MCPServerStdio,
  MCPServerStreamableHttp,
  OpenAIChatCompletionsModel,
  run,
  setTracingDisabled,
} from "@openai/agents";
import OpenAI from "openai";
import * as given from "./given.mjs";

setTracingDisabled(true);
const { command, args, env, url, headers } = given;
const server = url
  ? new MCPServerStreamableHttp({ url, requestInit: { headers } })
  : new MCPServerStdio({ command, args, env });
await server.connect();
const client = new OpenAI({ baseURL: given.model, apiKey: given.key });
const agent = new Agent({
  name: "Host",
  model: new OpenAIChatCompletionsModel(client, "scripted"),
  mcpServers: [server],
  mcpConfig: { convertSchemasToStrict: given.strict },
});
await run(agent, given.prompt, { maxTurns: given.turns });
await server.close();
