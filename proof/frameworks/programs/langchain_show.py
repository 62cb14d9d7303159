"""A show in LangChain, whose adapter opens a session for each call."""

import asyncio

from given import (
    ARGUMENTS,
    COMMAND,
    FORM,
    HEADERS,
    KEY,
    MODEL,
    PROMPT,
    STRICT,
    TURNS,
    URL,
    VARIABLES,
    approval,
)
from langchain_core.messages import HumanMessage
from langchain_mcp_adapters.callbacks import Callbacks
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_openai import ChatOpenAI
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from mcp.types import ElicitResult


async def answer(_mcp_context, params, _context):
    """What the person chose."""
    return ElicitResult(action="accept", content=await approval(params.requestedSchema))


async def main():
    """Run it."""
    server = (
        {"transport": "streamable_http", "url": URL, "headers": HEADERS}
        if URL
        else {"transport": "stdio", "command": COMMAND, "args": ARGUMENTS, "env": VARIABLES}
    )
    callbacks = Callbacks(on_elicitation=answer) if FORM else None
    tools = await MultiServerMCPClient({"trax": server}, callbacks=callbacks).get_tools()
    model = ChatOpenAI(model="scripted", base_url=MODEL, api_key=KEY)
    bound = model.bind_tools(tools, strict=True) if STRICT else model.bind_tools(tools)

    async def think(state):
        return {"messages": [await bound.ainvoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("model", think)
    graph.add_node("tools", ToolNode(tools))
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", tools_condition)
    graph.add_edge("tools", "model")
    asked = {"messages": [HumanMessage(PROMPT)]}
    await graph.compile().ainvoke(asked, {"recursion_limit": 2 * TURNS})


asyncio.run(main())
