// A show in Vercel's AI SDK.
import { ElicitationRequestSchema, createMCPClient } from "@ai-sdk/mcp";
import { Experimental_StdioMCPTransport } from "@ai-sdk/mcp/mcp-stdio";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, stepCountIs } from "ai";
import * as given from "./given.mjs";

const { command, args, env, url, headers } = given;
const transport = url
  ? { type: "http", url, headers }
  : new Experimental_StdioMCPTransport({ command, args, env });
const client = await createMCPClient({
  transport,
  // It gives this one second from the start of the process, and then the handshake comes too late.
  protocolVersionDiscovery: false,
  capabilities: given.form ? { elicitation: {} } : {},
});
if (given.form) {
  client.onElicitationRequest(ElicitationRequestSchema, async ({ params }) => ({
    action: "accept",
    content: await given.approval(params.requestedSchema),
  }));
}
const provider = createOpenAICompatible({ name: "scripted", baseURL: given.model, apiKey: given.key });
await generateText({
  model: provider("scripted"),
  tools: await client.tools(),
  stopWhen: stepCountIs(given.turns),
  prompt: given.prompt,
});
await client.close();
