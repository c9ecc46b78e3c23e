/// Another method under a name that tells what one of its knobs was turned to: a run of a sweep.
public struct VariedMethod: DerivedMethod {
  /// The method, its knob turned.
  public let base: GenerationRequest.Method
  /// The knob and its value, as in `scale-factor-5`.
  public let variation: String

  /// Names `base`, which has the knob turned already.
  public init(_ base: GenerationRequest.Method, _ variation: String) {
    self.base = base
    self.variation = variation
  }

  /// The base's name, and the variation.
  public var name: String { "\(base.name)+\(variation)" }

  /// The base with a look in every iteration.
  public func lookingAlways(_ always: Bool) -> Self {
    Self(.init(base.base.lookingAlways(always)), variation)
  }
}
