#!/bin/sh
# mcp 2.3.0 (PyPI, the official Python SDK): a tool that prints does not break a server on standard input and output.
# Guess: what a tool prints lands among the protocol's messages on standard output, and a client fails to read it;
#   hence the advice that such a server must print nothing.
# Seen: while the server runs, descriptor 1 leads to standard error, so that even `os.write(1, ...)` ends up there;
#   the client gets its answer, and standard output holds JSON lines only.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv venv
venv/bin/pip install -q 'mcp==2.3.0' > log 2>&1 || { cat log; exit 2; }
cat > server.py <<'EOF'
import os
from mcp.server import MCPServer
server = MCPServer("printing")
@server.tool()
def loud() -> str:
    print("printed", flush=True)
    os.write(1, b"written\n")
    return "answered"
server.run("stdio")
EOF
cat > client.py <<'EOF'
import sys, anyio
from mcp import Client, StdioServerParameters
async def main():
    async with Client(StdioServerParameters(command=sys.executable, args=["server.py"])) as client:
        result = await client.call_tool("loud", {})
        print("client:", result.content[0].text)
anyio.run(main)
EOF
venv/bin/python -c 'from importlib.metadata import version; print("mcp", version("mcp"))'
venv/bin/python client.py > out 2> err
cat out; sed 's/^/standard error: /' err
grep -q '^client: answered$' out
grep -q '^printed$' err
grep -q '^written$' err
echo "as written above"
