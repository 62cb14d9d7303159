// A show in Mastra, whose rules for OpenAI's models are strict.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { Agent } from "@mastra/core/agent";
import { MCPClient } from "@mastra/mcp";
import * as given from "./given.mjs";

const { command, args, env, url, headers } = given;
const trax = url
  ? { url: new URL(url), requestInit: { headers } }
  : { command, args, env };
const client = new MCPClient({ servers: { trax } });
const provider = createOpenAICompatible({ name: given.strict ? "openai" : "scripted", baseURL: given.model, apiKey: given.key });
const agent = new Agent({
  id: "host",
  name: "Host",
  instructions: "Run the show.",
  model: provider(given.strict ? "gpt-5" : "scripted"),
  tools: await client.listTools(),
});
await agent.generate(given.prompt, { maxSteps: given.turns });
await client.disconnect();
