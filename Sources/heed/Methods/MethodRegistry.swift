import AttentionTrace
import Diffusion
import PromptText

/// A method as the command line knows it: its name, and how it is made of the options.
struct MethodEntry: Sendable {
  let name: String
  /// Whether brackets in the prompt mark phrases for it, and phrases are looked for without them.
  var readsPhrases = false
  /// Whether bars in the prompt part it.
  var readsParts = false
  /// Whether it moves the latent by Attend-and-Excite's schedule.
  var isScheduled = false
  let make: @Sendable (MethodArguments) throws -> any GenerationMethod
}

/// What a method may be made of.
struct MethodArguments {
  let checkpoint: Checkpoint
  let table: TokenTable
  /// Parts that the user cut the prompt into; none if it is whole.
  let parts: [PromptMarkup.Component]
  /// Phrases that the user marked, or those that were found; none if no method reads them.
  let phrases: [NounPhrase]
  let excitation: ExcitationOptions
  let objectives: ObjectiveOptions
  let methods: MethodOptions
  let guidanceScale: Double
}

/// Every method that makes pictures.
enum MethodRegistry {
  static let entries =
    [
      MethodEntry(name: "stable-diffusion") { _ in PlainDiffusion() },
      MethodEntry(name: "attend-and-excite", isScheduled: true) {
        try $0.excitation.settings($0.checkpoint)
      },
      MethodEntry(name: "composable", readsParts: true) { $0.methods.composable($0) },
      MethodEntry(name: "structure", readsPhrases: true) { $0.methods.structure($0) },
      MethodEntry(name: "prompt-to-prompt") { try $0.methods.promptToPrompt($0) },
    ] + objectives

  /// The names of those that have a schedule.
  static var scheduled: [String] { entries.filter(\.isScheduled).map(\.name) }

  /// Their names, for people.
  static var names: String { entries.map(\.name).joined(separator: ", ") }

  /// The method of a name.
  /// - Throws: ``Failure`` for an unknown name, which lists those there are.
  static func entry(_ name: some StringProtocol, option: String) throws -> MethodEntry {
    guard let entry = entries.first(where: { $0.name == name }) else {
      throw Failure(.usage, "\(option): no '\(name)'; there are \(names)")
    }
    return entry
  }

  /// The methods named, separated by commas.
  /// - Throws: as ``entry(_:option:)``, and for one twice.
  static func entries(_ list: String, option: String) throws -> [MethodEntry] {
    var found: [MethodEntry] = []
    for name in list.split(separator: ",", omittingEmptySubsequences: false) {
      let entry = try entry(name, option: option)
      guard !found.contains(where: { $0.name == entry.name }) else {
        throw Failure(.usage, "\(option): '\(name)' is there twice")
      }
      found.append(entry)
    }
    return found
  }
}
