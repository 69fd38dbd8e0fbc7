-- Open a file in Neovim, start the server as docs/editors.md says, and print the diagnostics.
local function start()
  if vim.lsp.config then -- 0.11 and newer
    vim.lsp.config("codewren", {
      cmd = { "codewren", "lsp" },
      filetypes = { "c", "cpp", "cs", "go", "java", "javascript", "python", "rust", "typescript" },
      root_markers = { ".git" },
      settings = { codewren = { models = { "clones" } } },
    })
    vim.lsp.enable("codewren")
    vim.cmd("filetype on | edit") -- opens the file again, now with a server for it
  else -- 0.7 to 0.10
    vim.lsp.buf_attach_client(0, vim.lsp.start_client({
      name = "codewren",
      cmd = { "codewren", "lsp" },
      root_dir = vim.fn.getcwd(),
      settings = { codewren = { models = { "clones" } } },
    }))
  end
end

start()
local there = vim.wait(60000, function() return #vim.diagnostic.get(0) > 0 end, 50)
for _, one in ipairs(vim.diagnostic.get(0)) do
  print(string.format("neovim %d:%d: %s\n", one.lnum + 1, one.col + 1, one.message))
end
vim.cmd(there and "qall!" or "cquit!")
