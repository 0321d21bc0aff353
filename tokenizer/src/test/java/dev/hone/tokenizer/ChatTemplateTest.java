package dev.hone.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where a folder has its templates, and which of them is taken. */
class ChatTemplateTest {
  private static final ZonedDateTime NOW = ZonedDateTime.parse("2026-03-05T09:07:02Z");
  private static final List<Map<String, Object>> HI =
      List.of(Map.of("role", "user", "content", "Hi"));

  @TempDir private Path folder;

  private void write(String name, String text) throws IOException {
    Files.createDirectories(folder.resolve(name).getParent());
    Files.writeString(folder.resolve(name), text);
  }

  private String render(List<Map<String, Object>> tools) {
    return ChatTemplate.load(folder).orElseThrow().render(HI, tools, true, Map.of("k", 3), NOW);
  }

  @Test
  void oneOrSeveralInTheConfigOrInFiles() throws IOException {
    assertThat(ChatTemplate.load(folder)).isEmpty();
    write("chat_template.json", "{\"chat_template\": \"legacy\"}");
    assertThat(render(List.of())).isEqualTo("legacy");
    write(
        "tokenizer_config.json",
        "{\"bos_token\": {\"content\": \"<s>\"}, \"chat_template\":"
            + " \"{{ bos_token }}{{ messages[0].content }}{{ k }}{{ tools is none }}\"}");
    assertThat(render(List.of())).isEqualTo("<s>Hi3True");
    assertThat(render(List.of(Map.of("name", "f")))).isEqualTo("<s>Hi3False");
    write(
        "tokenizer_config.json",
        "{\"chat_template\": [{\"name\": \"default\", \"template\": \"plain\"},"
            + " {\"name\": \"tool_use\", \"template\": \"{{ tools | tojson }}\"}]}");
    assertThat(render(List.of())).isEqualTo("plain");
    assertThat(render(List.of(Map.of("name", "f")))).isEqualTo("[{\"name\": \"f\"}]");
    write("chat_template.jinja", "a file\n");
    write("additional_chat_templates/tool_use.jinja", "for tools");
    assertThat(render(List.of())).isEqualTo("a file");
    assertThat(render(List.of(Map.of("name", "f")))).isEqualTo("for tools");
  }

  @Test
  void messagesWithRoles() {
    ChatTemplate template =
        ChatTemplate.of(
            "x",
            "{% for m in messages %}{{ m.role }}:{{ m.content }}{{ eos_token }}{% endfor %}"
                + "{% if add_generation_prompt %}assistant:{% endif %}",
            Map.of("eos", "/"));
    assertThat(template.render(List.of(ChatMessage.system("s"), ChatMessage.user("u"))))
        .isEqualTo("system:s/user:u/assistant:");
  }

  @Test
  void whatIsNoTemplate() throws IOException {
    write("tokenizer_config.json", "{\"chat_template\": \"{% if %}\"}");
    assertThatThrownBy(() -> ChatTemplate.load(folder))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining("tokenizer_config.json")
        .hasMessageContaining("line 1: wanted an expression");
    write("tokenizer_config.json", "{\"chat_template\": 7}");
    assertThatThrownBy(() -> ChatTemplate.load(folder)).hasMessageContaining("chat_template");
    write(
        "tokenizer_config.json", "{\"chat_template\": [{\"name\": \"rag\", \"template\": \"\"}]}");
    assertThatThrownBy(() -> render(List.of()))
        .hasMessageContaining("No chat template is the default");
  }
}
