import AttentionTrace
import Diffusion
import Foundation

/// A knob and the values that a sweep turns it to, as in `step-size=5,10,20`.
struct KnobVariation {
  /// As the manifest of a run has it.
  let knob: String
  let values: [String]
  private let option: String

  /// Options by another name than the manifest's.
  private static let aliases = ["step-size": "scale-factor"]

  /// Reads `NAME=VALUE,VALUE`, or `NAME=VALUE;VALUE` for values with commas in them.
  init(_ text: String) throws {
    let sides = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let values = sides.last?.split(
      separator: text.contains(";") ? ";" : ",", omittingEmptySubsequences: false
    ).map { $0.trimmingCharacters(in: .whitespaces) }
    guard sides.count == 2, !sides[0].isEmpty, let values, values.allSatisfy({ !$0.isEmpty }) else {
      throw Failure(
        .usage,
        "--vary is '\(text)'; expected a knob and its values, as in step-size=5,10,20, or with "
          + "semicolons where values have commas")
    }
    option = String(sides[0])
    knob = Self.aliases[option] ?? option
    self.values = values
  }

  /// The command line with the knob turned.
  /// - Throws: ``Failure`` where it is given besides.
  func applied(to commandLine: [String], value: String) throws -> [String] {
    let names = [option, knob] + Self.aliases.filter { $0.value == knob }.keys
    for name in names {
      let flags = ["--\(name)", "--no-\(name)"]
      guard
        !commandLine.prefix(while: { $0 != "--" }).contains(where: {
          flags.contains($0) || $0.hasPrefix("--\(name)=")
        })
      else {
        throw Failure(.usage, "--vary turns \(knob), so --\(name) cannot be given besides")
      }
    }
    let argument =
      ["true": "--\(option)", "false": "--no-\(option)"][value] ?? "--\(option)=\(value)"
    var commandLine = commandLine
    commandLine.insert(argument, at: min(1, commandLine.count))
    return commandLine
  }

  /// The request under a name that tells what the knob was turned to.
  /// - Throws: ``Failure`` where the method has no such knob.
  func named(_ request: GenerationRequest) throws -> GenerationRequest {
    let settings = request.method.base.settings
    guard
      let value = RunManifest.value(
        ofKnob: knob, settings, guidanceScale: request.guidanceScale)
    else {
      let knobs = (settings.keys + ["guidance-scale"]).sorted().joined(separator: ", ")
      throw Failure(
        .usage, "--vary: \(request.method.name) has no knob '\(knob)'; it has \(knobs)")
    }
    // A slug would lose the point of a number.
    let name = Double(value) == nil ? RunFolder.slug(value) : value
    var request = request
    request.method = .init(VariedMethod(request.method, "\(knob)-\(name)"))
    return request
  }
}
