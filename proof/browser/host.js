// A client of MCP Apps for the tests: the official AppBridge around the panel.
import { AppBridge, PostMessageTransport } from "@modelcontextprotocol/ext-apps/app-bridge";

window.showPanel = async (html, result, theme) => {
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts");
  frame.style.cssText = "border: 0; width: 100%; height: 480px; color-scheme: inherit";
  document.body.append(frame);
  const bridge = new AppBridge(
    null, { name: "test-host", version: "1" }, { serverTools: {}, updateModelContext: {} },
    { hostContext: { theme } },
  );
  bridge.oncalltool = async ({ name, arguments: args }) => JSON.parse(await window.callServer(JSON.stringify({ name, arguments: args ?? {} })));
  bridge.onupdatemodelcontext = async (params) => { window.tellModel(params); return {}; };
  bridge.oninitialized = () => {
    bridge.sendToolInput({ arguments: {} });
    bridge.sendToolResult(result);
  };
  bridge.onsizechange = ({ height }) => { frame.style.height = `${height}px`; };
  await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
  frame.srcdoc = html;
};
