// A client of MCP Apps for the tests: the official AppBridge around a panel or a room.
import { AppBridge, PostMessageTransport } from "@modelcontextprotocol/ext-apps/app-bridge";

const SIZES = { pip: ["400px", "300px"], fullscreen: ["100%", "100vh"] };

window.showApp = async (html, result, context, capabilities) => {
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts");
  frame.style.cssText = "border: 0; width: 100%; height: 480px; color-scheme: inherit";
  document.body.append(frame);
  const bridge = new AppBridge(
    null, { name: "test-host", version: "1" }, capabilities, { hostContext: context },
  );
  let displayMode = "inline";
  bridge.oncalltool = async ({ name, arguments: args }) => JSON.parse(await window.callServer(JSON.stringify({ name, arguments: args ?? {} })));
  bridge.onupdatemodelcontext = async (params) => { window.tellModel(params); return {}; };
  bridge.onmessage = async (params) => { window.tellModel(params); return {}; };
  bridge.onrequestdisplaymode = async ({ mode }) => {
    displayMode = mode;
    [frame.style.width, frame.style.height] = SIZES[mode] ?? ["100%", "480px"];
    return { mode };
  };
  bridge.oninitialized = () => {
    bridge.sendToolInput({ arguments: {} });
    bridge.sendToolResult(result);
  };
  bridge.onsizechange = ({ height }) => {
    if (displayMode === "inline") frame.style.height = `${height}px`;
  };
  await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
  frame.srcdoc = html;
};
