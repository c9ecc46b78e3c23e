/// How a knob is given on the command line.
public enum KnobForm: Hashable, Sendable {
  /// `--name VALUE`.
  case value
  /// `--name` and `--no-name`, for `true` and `false`.
  case toggle
  /// `--name VALUE`, repeatable; the values are joined by semicolons.
  case list
}
