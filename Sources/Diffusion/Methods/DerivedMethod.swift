/// A method that is another one in all that it does not say itself.
public protocol DerivedMethod: GenerationMethod {
  /// The method that it is made from.
  var base: GenerationRequest.Method { get }
}

extension DerivedMethod {
  /// The base's.
  public var settings: [String: String] { base.base.settings }
  /// The base's.
  public var alteredSteps: Int { base.base.alteredSteps }
  /// The base's.
  public var thresholds: [Int: Double] { base.base.thresholds }
  /// The base's.
  public var measurement: AttendAndExcite.Settings { base.base.measurement }
  /// The base's.
  public var needsSubjects: Bool { base.base.needsSubjects }
  /// The base's.
  public var isAlwaysGuided: Bool { base.base.isAlwaysGuided }
  /// The base's.
  public var rowsSumToOne: Bool { base.base.rowsSumToOne }
  /// The base's.
  public func looks(at step: Int) -> [MethodLook] { base.base.looks(at: step) }
  /// The base's.
  public func parts(for run: MethodContext) throws -> MethodParts { try base.base.parts(for: run) }
}
