import ArgumentParser
import AttentionAnalysis
import AttentionTrace
import Diffusion
internal import Drawing
import Evaluation
import Figures
import Foundation
import PromptText
import TensorEngine

/// Ends the command with one line on standard error and the right code.
struct Failure: Error, CustomStringConvertible {
  /// Exit codes of `sysexits.h`, and the shell's for an interrupt.
  enum Code: Int32 {
    case comparisonFailed = 1
    case usage = 64
    case dataError = 65
    case missingInput = 66
    case unavailable = 69
    case software = 70
    case noMemory = 71
    case cannotCreate = 73
    case inputOutput = 74
    case toBeResumed = 75
    case interrupted = 130
  }

  let code: Code
  let description: String

  init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }

  /// A value that an option does not take, and those that it does.
  static func wrongValue(
    _ option: String, _ value: some StringProtocol, expected names: [String]
  ) -> Failure {
    Failure(.usage, "\(option) is '\(value)'; expected \(UsageText.choice(of: names))")
  }

  /// Prints `error` in one line and exits; help and version are no errors and end with 0.
  static func exit(_ error: any Error) -> Never {
    let error = (error as? CocoaError).map(fileError) ?? error
    if let code = code(of: error) {
      Message.error(message(error), isTable: hasTable(error))
      Foundation.exit(code.rawValue)
    }
    if Heed.exitCode(for: error).isSuccess {
      let arguments = CommandLine.arguments.dropFirst()
      let programs = ["--generate-completion-script", "--experimental-dump-help"]
      let isWhole = arguments.first == "help" || programs.contains(where: arguments.contains)
      print(HelpDetail.$isShort.withValue(!isWhole) { Heed.fullMessage(for: error) })
      Foundation.exit(EXIT_SUCCESS)
    }
    Message.error(usageMessage(error))
    Foundation.exit(Code.usage.rawValue)
  }

  /// What an error says, with the option that mends it.
  private static func message(_ error: any Error) -> String {
    if case .knob(let name, let reason)? = error as? DiffusionError { return "--\(name) \(reason)" }
    if case .otherCheckpoint(let run, let model, let difference)? = error as? EvaluationError {
      return
        "\(run) was made with \(model), \(difference): name the run's own checkpoint by --model, "
        + "with its --lora and --weights"
    }
    if case .variation(let reason)? = error as? EvaluationError { return "--vary \(reason)" }
    if case .subjectsNeeded(let table)? = error as? TextError {
      return
        "which words are the subjects? Name them, as in --tokens cat,frog; the prompt's tokens "
        + "are\n\(table)"
    }
    if case .tooLarge? = error as? AnalysisError { return "\(error) with --force" }
    return String(describing: error)
  }

  /// What `plan` makes of a suite's prompt, or why there is no plan: one line with the prompt's id, without
  /// the table of tokens that some errors end with.
  static func naming<Plan>(
    _ prompt: SuitePrompt, of suite: Suite, _ plan: () throws -> Plan
  ) throws -> Plan {
    do { return try plan() } catch
      where error is TextError || error is DiffusionError || error is TraceError
      || error is ObjectiveExpressionError
    {
      var reason = (error as? TextError)?.summary ?? message(error)
      if case .subjectsNeeded? = error as? TextError {
        reason = "which words are the subjects? Give the prompt subjects in the suite"
      }
      // What is wrong with a text is wrong with the suite's.
      let ofError = error is TextError ? nil : code(of: error)
      throw Failure(
        ofError ?? .dataError, "the prompt \(prompt.id) of \(suite.name): \(reason)")
    }
  }

  /// Whether lines belong below what the error says: tokens to choose among, or a recipe and its caret.
  ///
  /// Whatever these errors quote of a file stands in them with its line feeds as escapes.
  private static func hasTable(_ error: any Error) -> Bool {
    if case .badRecipe? = error as? AnalysisError { return true }
    return error is TextError
  }

  /// What is wrong with the arguments and which help page tells more.
  private static func usageMessage(_ error: any Error) -> String {
    let arguments = CommandLine.arguments.dropFirst()
    let known = Heed.commandNames + ["help"]
    if let name = arguments.first, !name.hasPrefix("-"), !known.contains(name) {
      return unknownCommand(name).description
    }
    let message = Heed.message(for: error).split(separator: "\n").joined(separator: " ")
    let said = UsageText.wrongValue(message) ?? message
    let hint = UsageText.quotingHint(message, Array(arguments)) ?? ""
    let stop = said.hasSuffix("?") || said.hasSuffix(".") ? "" : "."
    return "\(said)\(stop)\(hint) See '\(helpPage(arguments))'"
  }

  /// The help page of the command that arguments begin with.
  ///
  /// ArgumentParser's own hint also names a command whose options another one has as its own, as those of
  /// `run` are of `submit`.
  private static func helpPage(_ arguments: some Sequence<String>) -> String {
    var command: any ParsableCommand.Type = Heed.self
    var words = [Heed._commandName]
    for name in arguments {
      let next = command.configuration.subcommands.first { $0._commandName == name }
      guard let next else { break }
      command = next
      words.append(name)
    }
    return (words + ["--help"]).joined(separator: " ")
  }

  /// A command that there is not, with the one that may have been meant.
  static func unknownCommand(_ name: String) -> Failure {
    let meant = Suggestion.nearest(to: name, among: Heed.commandNames)
    let question = meant.map { "; did you mean '\($0)'?" } ?? "."
    return Failure(.usage, "no command '\(name)'\(question) See 'heed --help'")
  }

  /// The code of an error of ours; `nil` for ArgumentParser's.
  private static func code(of error: any Error) -> Code? {
    switch error {
    case let failure as Failure: failure.code
    case let error as FileError: fileCode(error)
    case let error as TraceError: traceCode(error)
    case let error as DiffusionError: diffusionCode(error)
    case let error as TextError: textCode(error)
    case is ObjectiveExpressionError: .usage
    case let error as AnalysisError: analysisCode(error)
    case let error as FigureError: figureCode(error)
    case let error as EvaluationError: evaluationCode(error)
    default: nil
    }
  }

  private static func fileCode(_ error: FileError) -> Code {
    switch error.kind {
    case .missing, .unreadable: .missingInput
    case .unwritable: .cannotCreate
    case .diskFull: .inputOutput
    case .noMemory: .noMemory
    case .malformed, .unsupported: .dataError
    }
  }

  /// What Foundation says of a file, with the system's number for it.
  private static func fileError(_ error: CocoaError) -> any Error {
    guard let path = error.filePath ?? error.url?.path else {
      return Failure(.software, error.localizedDescription)
    }
    // Foundation counts its errors of reading from 256, of writing from 512.
    let isReading = (256..<512).contains(error.code.rawValue)
    guard let code = (error.underlying as? POSIXError)?.code.rawValue else {
      return FileError(
        isReading ? .unreadable : .unwritable, path: path, reason: error.localizedDescription)
    }
    return FileError.system(
      isReading ? .unreadable : .unwritable, path: path,
      doing: isReading ? "read" : "write", code: code)
  }

  private static func traceCode(_ error: TraceError) -> Code {
    switch error {
    case .system(let action, _, let code):
      ["open", "read"].contains(action) && code == ENOENT
        ? .missingInput
        : code == ENOMEM
          ? .noMemory
          : [ENOSPC, EIO, EDQUOT, EFBIG, ESTALE].contains(code) ? .inputOutput : .cannotCreate
    case .unmatchedPattern, .badSelection, .givenTwice: .usage
    case .doesNotFit, .otherRun, .otherInstructionSet, .notARun, .busy, .mayBeBusy: .cannotCreate
    case .oldFormat, .notPackable: .dataError
    case .noRun: .missingInput
    case .malformed, .checksum: .dataError
    case .notRecorded: .unavailable
    case .tooManyCalls: .software
    }
  }

  private static func diffusionCode(_ error: DiffusionError) -> Code {
    switch error {
    case .missingFile: .missingInput
    case .parameters, .notFinite, .wrongFile: .dataError
    case .unsupported, .notRunnable, .noSites: .unavailable
    case .invalidRequest, .knob: .usage
    case .moved: .missingInput
    }
  }

  private static func textCode(_ error: TextError) -> Code {
    switch error {
    case .noVocabulary, .noPieces: .missingInput
    case .emptyPrompt, .missingToken: .dataError
    case .inText(_, let error): textCode(error)
    default: .usage
    }
  }

  private static func analysisCode(_ error: AnalysisError) -> Code {
    switch error {
    case .badRecipe, .tooLarge, .noPair: .usage
    case .nothingSelected: .unavailable
    case .notComparable, .noRelation: .dataError
    }
  }

  private static func evaluationCode(_ error: EvaluationError) -> Code {
    switch error {
    case .memory: .noMemory
    case .noWords, .variation, .axes, .shards, .study: .usage
    case .incomplete, .notRepeatable, .otherCheckpoint, .pictureSizes, .pictureShape, .benchmark,
      .detectors:
      .dataError
    case .noQueries: .unavailable
    }
  }

  private static func figureCode(_ error: FigureError) -> Code {
    switch error {
    case .drawing: .software
    case .program: .unavailable
    case .overBudget, .unsuitableOutput: .usage
    default: .dataError
    }
  }
}

/// Messages on standard error; results never go there.
enum Message {
  /// The most characters of a line before it loses its middle.
  private static let longest = 2_000

  /// - Parameter isTable: whether the text's line feeds are meant.
  static func error(_ text: String, isTable: Bool = false) {
    guard isTable else { return line("heed: " + text) }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    write(lines: ["heed: " + lines[0]] + lines.dropFirst())
  }

  static func warning(_ text: String) { line("heed: warning: " + text) }
  static func note(_ text: String) { line("heed: " + text) }

  /// Says which words Heed took for the subjects, since nobody named them.
  static func subjects(_ subjects: [Subject]) {
    note("subjects: " + subjects.map(\.name).joined(separator: ", "))
  }

  /// Says which runs of a folder do not fit beside those that are shown.
  static func leftOut(_ choice: RunChoice) {
    for runs in choice.leftOut { note("\(runs)") }
  }

  /// Writes one line, whatever files say: what could steer the terminal or begin another line becomes escapes.
  static func line(_ text: String) { write(lines: [text]) }

  private static func write(lines: [String]) {
    StatusLine.write(lines.map { FileError.printable(shortened($0)) + "\n" }.joined())
  }

  /// A text without its middle where it is very long: at its ends stand what is wrong, and what to do.
  private static func shortened(_ text: String) -> String {
    let scalars = text.unicodeScalars
    guard scalars.dropFirst(longest).first != nil else { return text }
    return String(scalars.prefix(longest / 2)) + " … " + String(scalars.suffix(longest / 2))
  }

  /// Writes text as it is; where standard error cannot be written, nobody is there to be told.
  static func write(_ text: String) {
    let bytes = Array(text.utf8)
    var written = 0
    while written < bytes.count {
      let count = unsafe bytes[written...].withUnsafeBytes {
        unsafe Foundation.write(STDERR_FILENO, $0.baseAddress, $0.count)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return }
      written += count
    }
  }
}
