"""The language server: findings in an editor while code is written."""
