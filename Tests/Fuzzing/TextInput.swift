@testable import AttentionAnalysis
@testable import Diffusion
@testable import Evaluation
@testable import Figures
@testable import PromptText
@testable import TensorEngine
@testable import YAML

/// What people write: prompts, expressions, sheets, defaults.
enum TextInput {
  private static let files = ScratchFolder("texts")

  /// A tokenizer of single letters, as CLIP's own takes seconds to load in a build with sanitizers.
  private static let clip: CLIPTokenizer = {
    let letters = (33...126).map { String(UnicodeScalar($0)) }
    let pieces =
      letters + letters.map { $0 + "</w>" } + ["<|startoftext|>", "<|endoftext|>", "ca", "cat</w>"]
    let vocabulary = zip(pieces, pieces.indices).map { "\(JSONText.string($0)):\($1)" }
    let folder = ScratchFolder("letters")
    folder.write(
      parts: Array("{\(vocabulary.joined(separator: ","))}\0c a\nca t</w>\n".utf8),
      as: ["vocab.json", "merges.txt"])
    do { return try CLIPTokenizer(folder: folder.path) } catch { fatalError("\(error)") }
  }()

  private static func text(_ input: [UInt8]) -> String { String(decoding: input, as: UTF8.self) }

  static func json(_ input: [UInt8]) throws {
    let value = try StrictJSON.parse(input, file: "input.json")
    _ = value.kindName + value.text
  }

  static func yaml(_ input: [UInt8]) throws {
    _ = try YAMLDocument.value(path: files.write(input, "input.yaml"))
  }

  /// What a sheet is printed as must be read as that sheet.
  static func sheet(_ input: [UInt8]) throws {
    let plan = try SheetPlan(file: files.write(input, "sheet.yaml"))
    let again = try SheetPlan(file: files.write(plan.yaml.utf8, "again.yaml"))
    if again != plan { fatalError("another sheet: \(plan.yaml)") }
  }

  static func defaults(_ input: [UInt8]) throws {
    let file = try DefaultsFile(
      path: files.write(input, "heed.yaml"), name: "heed.yaml", for: catalogue)
    let defaults = OptionDefaults(catalogue, environment: [:], files: [file])
    for command in catalogue.commands { _ = try defaults.all(for: command.name).map(\.text) }
  }

  /// Two commands with options of every form, as ArgumentParser tells of them.
  private static let catalogue: CommandCatalogue = {
    func option(_ name: String, _ kind: String, repeats: Bool = false) -> String {
      """
      {"kind": "\(kind)", "names": [{"name": "\(name)"}], "preferredName": {"name": "\(name)"},
       "isRepeating": \(repeats), "abstract": "\(name)", "defaultValue": "1"}
      """
    }
    let options = [
      option("steps", "option"), option("lora", "option", repeats: true), option("force", "flag"),
      option("resume", "flag"), option("no-resume", "flag"),
    ].joined(separator: ",")
    let json = """
      {"command": {"commandName": "heed", "subcommands": [
        {"commandName": "generate", "arguments": [\(options)]},
        {"commandName": "sweep", "arguments": [\(options)]}]}}
      """
    do { return try CommandCatalogue(json: json) } catch { fatalError("\(error)") }
  }()

  /// A prompt in every syntax, its phrases, and the words of it that its first line names.
  static func prompt(_ input: [UInt8]) throws {
    let text = text(input)
    for (brackets, parts) in [(true, true), (true, false), (false, true)] {
      if let markup = try? PromptMarkup(text, brackets: brackets, parts: parts) {
        _ = try? NounPhraseFinder.phrases(at: markup.phrases, in: clip.encode(markup.prompt))
      }
    }
    _ = try? PromptMarkup(webUI: text, parts: true)
    _ = PromptMarkup.automaticParts(of: text)
    _ = clip.encode(text, as: PromptReading(syntax: .webui))
    _ = clip.encode(text, as: PromptReading(isLong: true), windows: 2)
    let table = clip.encode(text)
    _ = NounPhraseFinder.phrases(in: table)
    _ = table.text()
    for reference in try WordReference.list(String(text.prefix { $0 != "\n" })) {
      _ = try reference.subject(in: table)
    }
  }

  static func promptFile(_ input: [UInt8]) throws {
    _ = try PromptFile(files.write(input, "prompts.txt"))
  }

  /// What an expression is printed as must be read as that expression.
  static func objective(_ input: [UInt8]) throws {
    let expression = try ObjectiveExpression(text(input))
    let again = try ObjectiveExpression(expression.text)
    if again.text != expression.text { fatalError("another objective: \(again.text)") }
  }

  /// What a recipe is printed as must be read as that recipe.
  static func recipe(_ input: [UInt8]) throws {
    let recipe = try Recipe(parsing: text(input))
    let again = try Recipe(parsing: recipe.description)
    if again.description != recipe.description { fatalError("another recipe: \(again)") }
  }

  static func dependencies(_ input: [UInt8]) throws {
    let path = files.write(input, "words.conllu")
    _ = try? DependencyFile(contentsOf: path, analysis: .enhanced)
    _ = try DependencyFile(contentsOf: path)
  }

  static func tokens(_ input: [UInt8]) throws {
    let path = files.write(input, "tokens.json")
    _ = try? HeadWeights(contentsOf: path)
    let tokens = try ImportedTokens(contentsOf: path)
    _ = try? tokens.table(prompt: "a cat and a frog")
    _ = try tokens.table()
  }
}
