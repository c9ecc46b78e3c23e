import ArgumentParser
import AttentionTrace
import Evaluation
import Figures
import Foundation
import TensorEngine

/// User studies of a benchmark.
struct StudyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "study",
    abstract: "Asks people which method's pictures show best what the prompts say.",
    subcommands: [StudyMake.self, StudyTallyCommand.self])
}

/// Makes the questionnaire of a study.
struct StudyMake: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "make",
    abstract:
      "Makes a questionnaire of a benchmark's pictures: one page, blinded, without a network.",
    usage: "heed study make <bench> [<options>]",
    discussion: """
      Of each subset it draws --prompts prompts of which every method has pictures. Each is a question: \
      the methods' sets of pictures of the same seeds side by side, and which set shows best what the \
      prompt says. The page names no method. It draws another order of questions and sets for each \
      respondent, works on a phone and by keys alone, and saves a file of answers, which the respondent \
      sends back; heed study tally counts them.

      The key tells which code stands for which method: keep it, and give it to nobody who answers.
      """)

  @Argument(
    help: ArgumentHelp("The benchmark's folder.", valueName: "bench"), completion: .directory)
  var benchmark: String

  @Option(help: "How many prompts of each subset.")
  var prompts = 10

  @Option(help: "How many pictures of each prompt and method: of the smallest seeds that all have.")
  var seeds = 4

  @Option(
    help: ArgumentHelp(
      "The methods to compare, by the names of their folders. (default: all of the benchmark)",
      valueName: "list"))
  var methods: String?

  @Option(help: "What prompts, codes and orders are drawn by.")
  var seed: UInt32 = 0

  @Option(
    help: "The longest side of a picture on the page, in pixels; larger ones are made smaller.")
  var side = 512

  @Option(name: [.short, .long], help: ArgumentHelp("The page to write.", valueName: "file"))
  var output = "study.html"

  @Option(help: ArgumentHelp("The key to write.", valueName: "file"))
  var key = "study-key.json"

  func validate() throws {
    for (name, value, range) in [
      ("prompts", prompts, 1...1000), ("seeds", seeds, 1...1000), ("side", side, 16...4096),
    ] where !range.contains(value) {
      throw ValidationError(
        "--\(name) is \(value); expected \(range.lowerBound) to \(range.upperBound)")
    }
    guard output != key else { throw ValidationError("--output and --key name the same file") }
  }

  func run() throws {
    let study = try Study(
      benchmark: benchmark, prompts: prompts, seeds: seeds,
      methods: methods?.split(separator: ",", omittingEmptySubsequences: false).map(String.init),
      seed: seed)
    for note in study.notes { Message.note(note) }
    let questions = zip(study.key.questions, study.pictures).map { question, pictures in
      QuestionnairePage.Question(
        code: question.code, prompt: question.prompt,
        sets: zip(question.sets, pictures).map {
          QuestionnairePage.PictureSet(
            code: $0.code, pictures: $1.map { (file: $0.image, root: $0.path) })
        })
    }
    let page = try QuestionnairePage(
      study: study.key.study, questions: questions, side: side,
      software: "Made with Heed \(HeedVersion.current)")
    // The key first: a page without its key is worth nothing.
    try study.key.write(to: key)
    try page.write(to: output)
    print(
      "\(output): study \(study.key.study), \(questions.count) questions, "
        + "\(study.key.methods.count) sets of \(seeds) pictures each, \(formatBytes(page.html.count)); "
        + "key in \(key)")
  }
}

/// Counts the answers of a study.
struct StudyTallyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tally",
    abstract: "Counts the answers of a study: shares, agreement, and bias by position.",
    usage: "heed study tally <answers> ... [--key <file>] [--json]",
    discussion: """
      Shares have 95 % bootstrap intervals over respondents and prompts, per subset and in all. Fleiss' \
      kappa says how far respondents agree; the shares by position say whether they preferred a place \
      on the page, whatever stood there.

      Answers that are damaged, incomplete, of another questionnaire or of a respondent who is counted \
      already are refused by name, and nothing is counted.
      """)

  @Argument(
    help: ArgumentHelp("The files that respondents sent back.", valueName: "answers"),
    completion: .file(extensions: ["json"]))
  var answers: [String]

  @Option(
    help: ArgumentHelp("The key that heed study make wrote.", valueName: "file"),
    completion: .file(extensions: ["json"]))
  var key = "study-key.json"

  @Flag(help: "Print JSON, with the votes on every prompt.")
  var json = false

  func run() throws {
    let key = try StudyKey(key)
    let tally = StudyTally(key, try StudyAnswers.read(answers, key: key))
    print(json ? tally.json : tally.text)
  }
}
