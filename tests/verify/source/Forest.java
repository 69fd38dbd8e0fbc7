class Forest {
    private final List<Tree> trees = new ArrayList<>();

    int height(Node node) {
        int left = 0;
        int right = 0;
        if (node.left != null) {
            left = height(node.left);
        }
        if (node.right != null) {
            right = height(node.right);
        }
        return 1 + Math.max(left, right);
    }

    void add(Tree tree) {
        trees.add(tree);
    }
}
