package dev.hone.tokenizer.jinja;

import java.util.Map;

/** What a loop can set attributes of: {@code namespace(found=false)}. */
record Namespace(Map<String, Object> values) {}
