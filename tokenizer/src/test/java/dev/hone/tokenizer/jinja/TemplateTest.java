package dev.hone.tokenizer.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** templates.json holds what Jinja 2 makes of the same: make_templates.py beside it. */
class TemplateTest {
  private static final ZonedDateTime NOW = ZonedDateTime.parse("2026-03-05T09:07:02Z");

  private static JsonNode cases() {
    try (InputStream file = TemplateTest.class.getResourceAsStream("templates.json")) {
      return new JsonMapper().readTree(file);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Map<String, Object> values(JsonNode cases) {
    return new JsonMapper()
        .convertValue(cases.get("values"), new TypeReference<Map<String, Object>>() {});
  }

  @Test
  void rendersAsJinjaDoes() {
    JsonNode cases = cases();
    Map<String, Object> values = values(cases);
    var softly = new SoftAssertions();
    for (JsonNode one : cases.get("cases")) {
      String template = one.get("template").asText();
      String found;
      String how;
      try {
        found = Template.parse(template).render(values, NOW);
        how = "expected";
      } catch (TemplateException e) {
        found = e.getMessage();
        how = e.isRaised() ? "raised" : "error";
      } catch (RuntimeException | StackOverflowError e) {
        found = e.toString();
        how = "bug";
      }
      softly.assertThat(one.has(how)).as("%s: %s: %s", template, how, found).isTrue();
      if (one.has(how) && !how.equals("error")) {
        softly.assertThat(found).as(template).isEqualTo(one.get(how).asText());
      }
    }
    assertThat(cases.get("cases").size()).isGreaterThan(90);
    softly.assertAll();
  }

  private static String render(String template) {
    return Template.parse(template).render(Map.of("a", "x".repeat(1000)), NOW);
  }

  @Test
  void datesAndTransformersOwn() {
    assertThat(render("{{ strftime_now('%d %b %Y|%B %-d|%H:%M:%S|%A %a|%j %y %I %p|%%') }}"))
        .isEqualTo("05 Mar 2026|March 5|09:07:02|Thursday Thu|064 26 09 AM|%");
    assertThat(render("{% generation %}a{{ 1 }}{% endgeneration %}")).isEqualTo("a1");
    assertThatThrownBy(() -> render("{{ strftime_now('%Q') }}")).hasMessageContaining("%Q");
    assertThatThrownBy(() -> render("a\nb{{ 1 + }}")).hasMessageStartingWith("line 2: ");
  }

  /** Each would take minutes, gigabytes or the stack, were it let. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% for i in range(99999999) %}{% endfor %}",
        "{{ 'x' * 999999999999 }}",
        "{{ [0] * 999999999999 }}",
        "{{ ['x' * 1000000] * 100000 }}",
        "{{ (['x' * 1000000] * 100000) | join }}",
        "{{ (['x' * 1000000] * 100000) | tojson }}",
        "{% for i in range(99999) %}{{ a }}{% endfor %}",
        "{% set ns = namespace(t='x') %}{% for i in range(99) %}{% set ns.t = ns.t + ns.t %}{%"
            + " endfor %}",
        "{% set ns = namespace(t=[1]) %}{% for i in range(99) %}{% set ns.t = [ns.t, ns.t] %}{%"
            + " endfor %}{{ ns.t }}",
        "{% set ns = namespace(t=[1]) %}{% for i in range(9999) %}{% set ns.t = [ns.t] %}{% endfor"
            + " %}{{ ns.t | tojson }}",
        "{% set ns = namespace(t=[1]) %}{% for i in range(9999) %}{% set ns.t = [ns.t] %}{% endfor"
            + " %}{{ ns.t == ns.t }}",
        "{% set ns = namespace(t=[1], u=[1]) %}{% for i in range(90) %}{% set ns.t = [ns.t, ns.t]"
            + " %}{% set ns.u = [ns.u, ns.u] %}{% endfor %}{{ ns.t == ns.u }}",
        "{% set b = a * 8000 %}{% for i in range(99999) %}{{ b[0] }}{{ b.find('y') }}{{ 'y' in b"
            + " }}{{ b == b ~ '' }}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ a.replace('', a).replace('', a) }}",
        "{{ 'x' | indent(999999999) ~ (a | indent(1000000000)) * 99999 }}",
        "{{ 9223372036854775807 + 1 }}",
        "{{ 99 ** 99 }}",
        "{{ range(99999) | list | unique | list }}",
      })
  void isStoppedWhereItMakesTooMuch(String template) {
    Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(60),
        () -> assertThatThrownBy(() -> render(template)).isInstanceOf(TemplateException.class));
  }

  @Test
  void isStoppedWhereItStandsTooDeep() {
    for (String part : List.of("(", "[", "{% if 1 %}", "{{ -", "not ", "{'a':", "a if ", "- ")) {
      String deep = part.startsWith("{%") ? part.repeat(20_000) : "{{ " + part.repeat(20_000);
      assertThatThrownBy(() -> Template.parse(deep)).isInstanceOf(TemplateException.class);
    }
    String chain = "{{ a" + " ~ a".repeat(20_000) + " }}";
    assertThatThrownBy(() -> render(chain)).isInstanceOf(TemplateException.class);
    assertThatThrownBy(() -> render("{{ a" + ".x".repeat(20_000) + " }}"))
        .isInstanceOf(TemplateException.class);
    assertThatThrownBy(() -> render("{{ a" + "|trim".repeat(200_000) + " }}"))
        .isInstanceOf(TemplateException.class);
    assertThatThrownBy(() -> Template.parse(" ".repeat(1 << 20) + " "))
        .hasMessageContaining("the limit is 1048576");
  }

  /** Nothing of Java's can be reached: not a method, not a field, not a class. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ a.getClass() }}",
        "{{ a.class }}",
        "{{ a['class'] }}",
        "{{ a.length() }}",
        "{{ a.chars() }}",
        "{{ a.hashCode() }}",
        "{{ [].stream() }}",
        "{{ {}.entrySet() }}",
        "{{ range.call }}",
        "{{ namespace().values }}",
        "{{ (1).longValue() }}",
        "{{ a.__class__ }}",
      })
  void reachesNothingOfJava(String template) {
    try {
      assertThat(render(template)).isEmpty(); // undefined
    } catch (TemplateException e) {
      assertThat(e).hasMessageMatching("(?s).*(undefined|no part).*");
    }
  }

  /** Damaged templates give a text or a TemplateException, never another failure. */
  @Test
  void damagedTemplates() {
    JsonNode cases = cases();
    Map<String, Object> values = values(cases);
    List<String> templates = new ArrayList<>();
    cases.get("cases").forEach(one -> templates.add(one.get("template").asText()));
    String alphabet = "{}%#-+'\"\\|()[]:.,~*/= \nabnot in is if for 0123456789";
    int rendered = 0;
    for (int seed = 0; seed < 20_000; seed++) {
      Random random = new Random(seed);
      var text = new StringBuilder(templates.get(random.nextInt(templates.size())));
      for (int i = 0; i <= random.nextInt(3); i++) {
        int at = random.nextInt(text.length());
        switch (random.nextInt(3)) {
          case 0 -> text.setCharAt(at, alphabet.charAt(random.nextInt(alphabet.length())));
          case 1 -> text.deleteCharAt(at).append(' ');
          default -> text.insert(at, alphabet.charAt(random.nextInt(alphabet.length())));
        }
      }
      try {
        Template.parse(text.toString()).render(values, NOW);
        rendered++;
      } catch (TemplateException e) {
        assertThat(e.getMessage()).isNotEmpty();
      } catch (RuntimeException | StackOverflowError e) {
        throw new AssertionError("seed " + seed + ": " + text, e);
      }
    }
    assertThat(rendered).isGreaterThan(2000);
  }
}
