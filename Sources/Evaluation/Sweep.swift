internal import AttentionTrace
public import Diffusion
private import Foundation
package import PromptText

/// One knob of a method, or the guidance scale, or the grid that the loss reads, and the values that
/// runs set it to.
public struct Sweep: Sendable {
  /// The knob, as `run.json` names it.
  public let knob: String
  /// The values of the knob, as texts.
  public let values: [String]

  /// The knobs that belong to the request instead of to a method.
  private static let guidance = "guidance-scale"
  private static let resolution = "attention-resolution"
  private static let ofRequest = [guidance, resolution]

  /// A sweep of `knob` over `values`.
  /// - Throws: ``EvaluationError/variation(reason:)`` for a value that is given twice.
  public init(knob: String, values: [String]) throws {
    self.knob = knob
    self.values = values
    let short = values.map(RunManifest.short)
    if let twice = short.first(where: { value in short.count { $0 == value } > 1 }) {
      throw EvaluationError.variation(reason: "gives \(knob) the value \(twice) twice")
    }
  }

  /// Reads `NAME=VALUE,VALUE`, or `NAME=VALUE;VALUE` for values with commas in them.
  ///
  /// - Parameters:
  ///   - text: a knob and its values.
  ///   - method: the method that has the knob; an alias of the knob is accepted.
  /// - Throws: ``EvaluationError/variation(reason:)``.
  public init(_ text: String, of method: any Method) throws {
    let sides = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let values = sides.last?.split(
      separator: text.contains(";") ? ";" : ",", omittingEmptySubsequences: false
    ).map { $0.trimmingCharacters(in: .whitespaces) }
    guard sides.count == 2, !sides[0].isEmpty, let values, values.allSatisfy({ !$0.isEmpty }) else {
      throw EvaluationError.variation(
        reason: "is '\(text)'; expected a knob and its values, as in step-size=5,10,20, or with "
          + "semicolons if values contain commas")
    }
    let name = String(sides[0])
    let knob = method.knobs.first { $0.name == name || $0.alias == name }?.name
    guard let knob = knob ?? (Self.ofRequest.contains(name) ? name : nil) else {
      let knobs = (method.knobs.map(\.name) + Self.ofRequest).sorted().joined(separator: ", ")
      throw EvaluationError.variation(
        reason: "names '\(name)', which is not a knob of \(method.name); expected one of \(knobs)")
    }
    try self.init(knob: knob, values: values)
  }

  /// The request with the knob set to a value, and a variation name with knob and value.
  /// - Throws: ``EvaluationError/variation(reason:)`` or `DiffusionError` for a value that
  ///   the knob does not take.
  public func request(_ request: RunRequest, turnedTo value: String) throws -> RunRequest {
    var request = request
    if knob == Self.guidance {
      guard let number = Double(value), number.isFinite else {
        throw EvaluationError.variation(reason: "gives \(knob) '\(value)'; expected a number")
      }
      request.guidanceScale = number
    } else if knob == Self.resolution {
      guard let grid = Grid(value) else {
        throw EvaluationError.variation(
          reason: "gives \(knob) '\(value)'; expected a grid, as in 16x16")
      }
      request.grid = grid
    } else {
      try request.method.set([knob: value])
    }
    request.variation = "\(knob)-\(Self.folderName(try text(in: request) ?? value))"
    return request
  }

  /// The plans of runs at every value: for each seed, all values start from the same noise.
  /// - Parameter isOfSuite: as ``RunOrder`` takes it.
  /// - Throws: as ``RunOrder``.
  package func orders(
    _ prompt: String, by method: any Method, from seeds: [UInt64],
    isOfSuite: Bool = false, reading: PromptReading = PromptReading(), on model: StableDiffusion,
    like template: (TokenTable) throws -> RunRequest
  ) throws -> [RunOrder] {
    try values.map { value in
      var method = method
      if !Self.ofRequest.contains(knob) { try method.set([knob: value]) }
      return try RunOrder(
        prompt, by: [method], from: seeds, needsSubjects: true, isOfSuite: isOfSuite,
        reading: reading, on: model
      ) {
        var request = try template($0)
        request.method = method
        return try self.request(request, turnedTo: value)
      }
    }
  }

  private func text(in request: RunRequest) throws -> String? {
    switch knob {
    case Self.guidance: String(request.guidanceScale)
    case Self.resolution: request.grid?.description
    default: request.method.knobTexts[knob]
    }
  }

  /// A slug would lose the point of a number.
  private static func folderName(_ text: String) -> String {
    let short = RunManifest.short(text)
    return Double(short) == nil ? RunFolder.slug(short) : short
  }
}
