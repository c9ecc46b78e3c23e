/// The steps of `--steps-pictures`.
enum StepsPictures {
  /// - Parameter text: steps, or `auto`; `nil` where the option is not given.
  /// - Returns: the steps, ascending; empty for `auto`.
  static func steps(_ text: String?) throws -> [Int]? {
    guard let text else { return nil }
    return text == "auto" ? [] : try IndexList(option: "--steps-pictures", text).indices
  }
}
