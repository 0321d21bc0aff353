package dev.hone.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class UnitsTest {
  @Test
  void threeDigitsThatCount() {
    assertThat(Units.bytes(0)).isEqualTo("0 B");
    assertThat(Units.bytes(999)).isEqualTo("999 B");
    assertThat(Units.bytes(999_999)).isEqualTo("1.00 MB");
    assertThat(Units.bytes(22_713_216)).isEqualTo("22.7 MB");
    assertThat(Units.bytes(144_811_072)).isEqualTo("145 MB");
    assertThat(Units.count(21_743_271_936.0)).isEqualTo("21.7 G");
    assertThat(Units.millis(0.4321)).isEqualTo("432 us");
    assertThat(Units.millis(4.321)).isEqualTo("4.32 ms");
    assertThat(Units.millis(12_345)).isEqualTo("12.3 s");
    assertThat(Units.rate(1429.7)).isEqualTo("1,430");
    assertThat(Units.rate(14.29)).isEqualTo("14.3");
    assertThat(Units.times(3.944)).isEqualTo("3.94x");
  }

  @Test
  void smallSharesKeepTheirDigits() {
    assertThat(Units.percent(0)).isEqualTo("0 %");
    assertThat(Units.percent(1)).isEqualTo("100.0 %");
    assertThat(Units.percent(0.0279)).isEqualTo("2.79 %");
    assertThat(Units.percent(0.00051)).isEqualTo("0.051 %");
    assertThat(Units.percent(0.0000012)).isEqualTo("0.00012 %");
    assertThat(Units.percent(2.1e-8)).isEqualTo("<0.00001 %");
    assertThat(Units.percent(2e-16)).isEqualTo("0 %");
    assertThat(Units.percent(-0.0031)).isEqualTo("-0.31 %");
  }

  @Test
  void tableAlignsAndMarks() {
    var table =
        new TextTable(List.of("name", "size"), "lr").row("f32", "90 MB").row("int8", "9 MB").mark();
    assertThat(table.toString())
        .isEqualTo(
            """
               name   size
               f32   90 MB
            -> int8   9 MB\
            """
                .replace("            ->", "->"));
    assertThatThrownBy(() -> table.row("one")).hasMessage("1 cells in a table of 2 columns");
  }
}
