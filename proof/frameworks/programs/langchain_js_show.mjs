// A show in LangChain for JavaScript.
import { MultiServerMCPClient } from "@langchain/mcp-adapters";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import * as given from "./given.mjs";

const { command, args, env, url, headers } = given;
const trax = url ? { url, headers, transport: "http" } : { command, args, env, transport: "stdio" };
const client = new MultiServerMCPClient({ mcpServers: { trax } });
const llm = new ChatOpenAI({
  model: "scripted",
  apiKey: given.key,
  configuration: { baseURL: given.model },
  supportsStrictToolCalling: given.strict,
});
const agent = createReactAgent({ llm, tools: await client.getTools() });
const messages = [{ role: "user", content: given.prompt }];
await agent.invoke({ messages }, { recursionLimit: 2 * given.turns });
await client.close();
