import ArgumentParser
import AttentionTrace
import Diffusion
import Evaluation
import Foundation
import PromptText

/// Attention maps of other programs as runs of Heed.
struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes a run of attention maps that another program saved, for every other command.",
    discussion: """
      Reads .npy, .npz and .safetensors. --axes names what the axes of each array are, from the outermost \
      to the innermost: step, layer, head, frame, row, column and token; pixel for rows and columns as one; \
      _ for an axis of length 1 that means nothing. An axis that is not named has length 1. Where layer is \
      not named, each array is a layer under its name in the file.

      tokens.json lists the tokens along the axis token: a list of spellings, as in ["<|startoftext|>", \
      "a</w>", "cat</w>", "<|endoftext|>"], or of objects {"piece", "word", "special", "id"}, of which only \
      piece must be there; special is start, end, padding or template. An object {"prompt", "tokens"} is \
      read too.

      Maps must be probabilities: no number is negative, infinite or NaN. Where rows do not sum to 1 over \
      the tokens, they are kept as they are, and a message and run.json say so. The run is written into a \
      folder by prompt, method and seed; what the file does not say (other texts, guidance, the scheduler) \
      stays unknown.
      """)

  @Argument(help: ArgumentHelp("The file of maps.", valueName: "file"))
  var file: String

  @Option(help: ArgumentHelp("The axes of each array, separated by commas.", valueName: "axes"))
  var axes: String

  @Option(help: ArgumentHelp("The tokens along the axis token.", valueName: "file"))
  var tokens: String

  @Option(help: ArgumentHelp("The picture: PNG, JPEG, WebP or GIF.", valueName: "file"))
  var image: String?

  @Option(
    help: ArgumentHelp(
      "The prompt. (default: that of the tokens' file, or its words)", valueName: "text"))
  var prompt: String?

  @Option(
    help: ArgumentHelp(
      """
      Words whose attention is measured, separated by commas. (default: the nouns of "a X and a Y" and \
      similar prompts)
      """, valueName: "words"))
  var subjects: String?

  @Option(help: ArgumentHelp("What the method is called in figures.", valueName: "name"))
  var method = "Imported"

  @Option(help: ArgumentHelp("The model's name.", valueName: "name"))
  var model = "unknown"

  @Option(help: "The seed of the noise.")
  var seed: UInt64 = 0

  @Option(
    help: ArgumentHelp(
      "The diffusion time of each step, separated by commas. (default: unknown)",
      valueName: "numbers"))
  var timesteps: String?

  @Option(
    help: ArgumentHelp(
      "Which arrays are maps, by name, separated by commas. (default: all of floating-point numbers)",
      valueName: "names"))
  var arrays: String?

  @Option(
    help: ArgumentHelp(
      "Names of the layers, separated by commas. (default: the arrays', or layer_0, layer_1, …)",
      valueName: "names"))
  var layers: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      Rows and columns of the axis pixel, as in 16x16; several for layers of several sizes. (default: of \
      the picture's shape)
      """, valueName: "grids"))
  var grid: String?

  @Option(name: [.short, .long], help: ArgumentHelp("The folder for runs.", valueName: "folder"))
  var output = "runs"

  func run() throws {
    var facts = MapImport.Facts()
    (facts.method, facts.model, facts.seed) = (method, model, seed)
    facts.subjects = try subjects.map { try WordReference.list($0).map(\.description) }
    facts.timesteps = try timesteps.map(times)
    let maps = try MapImport(
      file,
      ImportedMaps.Reading(
        axes: try MapAxis.list(axes), arrays: try names(arrays, of: "--arrays"),
        layers: try names(layers, of: "--layers"), grids: try grid.map(grids) ?? []),
      tokens: tokens, prompt: prompt, image: image, facts: facts,
      commandLine: Array(CommandLine.arguments.dropFirst()))
    Interrupt.watch()
    let outcome = try maps.write(below: output) { try Interrupt.check("nothing was written") }
    for note in outcome.notes { Message.note(note) }
    let run = outcome.run
    if run.manifest.subjects.isEmpty {
      Message.note("no subjects: name words by --subjects, or later by --tokens and --words")
    }
    let (layers, steps, tokens) = maps.counts
    print(
      "\(run.folder.path): \(counted(steps, "step")), \(counted(layers, "layer")), "
        + counted(tokens, "token") + (outcome.wasThere ? " (was there)" : ""))
  }

  private func counted(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
  }

  private func names(_ text: String?, of option: String) throws -> [String]? {
    guard let text else { return nil }
    let names = text.split(separator: ",", omittingEmptySubsequences: false)
      .map { $0.trimmingCharacters(in: .whitespaces) }
    guard names.allSatisfy({ !$0.isEmpty }), Set(names).count == names.count else {
      throw Failure(
        .usage, "\(option) is '\(text)'; expected names, separated by commas, each once")
    }
    return names
  }

  private func times(_ text: String) throws -> [Double] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
      guard let time = Double(part.trimmingCharacters(in: .whitespaces)), time.isFinite else {
        throw Failure(.usage, "--timesteps is '\(text)'; '\(part)' is not a number")
      }
      return time
    }
  }

  private func grids(_ text: String) throws -> [Grid] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
      guard let grid = Grid(String(part)) else {
        throw Failure(.usage, "--grid is '\(text)'; expected rows and columns, as in 16x16")
      }
      return grid
    }
  }
}
