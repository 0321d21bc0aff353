package dev.hone.hub;

/**
 * Whether a relative path that a server or a user names stays inside the folder it is resolved in.
 */
final class SafePath {

  private static final int MAX_CHARS = 512;

  private SafePath() {}

  static boolean isSafe(String path) {
    if (path.isEmpty() || path.length() > MAX_CHARS) {
      return false;
    }
    for (String part : path.split("/", -1)) {
      boolean dots = part.equals(".") || part.equals("..");
      if (part.isEmpty() || dots || !part.chars().allMatch(SafePath::isPlain)) {
        return false;
      }
    }
    return true;
  }

  private static boolean isPlain(int c) {
    return c >= ' ' && c != 0x7f && "\\:*?\"<>|".indexOf(c) < 0;
  }
}
