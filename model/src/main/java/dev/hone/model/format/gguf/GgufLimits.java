package dev.hone.model.format.gguf;

/** What a GGUF file may ask for; counts must fit the bytes that are left, too. */
final class GgufLimits {
  static final long KEYS = 1 << 16;
  static final long KEY_BYTES = 65_535;

  /** A chat template is the longest text of published files. */
  static final long TEXT_BYTES = 16 << 20;

  static final long ARRAY_LENGTH = 16 << 20;
  static final long TENSORS = 1 << 20;

  /** llama.cpp takes 63; longer ones are read, not written. */
  static final long TENSOR_NAME_BYTES = 1024;

  static final int RANK = 4;
  static final long ELEMENTS = 1L << 56;
  static final int ALIGNMENT = 1 << 20;

  /** Files of one split model. */
  static final int PARTS = 4096;

  private GgufLimits() {}
}
