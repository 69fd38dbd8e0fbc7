class Tree {
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

    int size(Node node) {
        int total = 1;
        for (Node child : node.children()) {
            total += size(child);
        }
        return total;
    }
}
