"""The site for agents: what `groundswell mcp` offers as tools (Model Context Protocol).

request -> `server` (the protocol, from the package `mcp`) -> `tools` -> the store, which is only read
"""
