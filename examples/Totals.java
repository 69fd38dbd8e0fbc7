/** Two copies under other names, and a method that is none, to try `codewren scan --model clone-java` on. */
class Totals {
    static int totalLength(String[] words) {
        int total = 0;
        for (String word : words) {
            if (word != null && !word.isEmpty()) {
                total += word.length();
            }
        }
        return total;
    }

    static int sumOfSizes(String[] names) {
        int sum = 0;
        for (String name : names) {
            if (name != null && !name.isEmpty()) {
                sum += name.length();
            }
        }
        return sum;
    }

    static String longest(String[] words) {
        String longest = "";
        for (String word : words) {
            if (word.length() > longest.length()) {
                longest = word;
            }
        }
        return longest;
    }
}
