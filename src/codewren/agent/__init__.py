"""What coding agents ask: is there such a function already? By a server of tools, and by a hook when they write."""
