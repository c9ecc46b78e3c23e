internal import TensorEngine

/// Which words of prompts depend on which, from a file that the user supplies.
///
/// The file is one of these, told apart by the columns of its first line that is neither empty nor a
/// comment (which begins with `#`):
/// - CoNLL-U, as parsers write it. Sentences belong to one prompt until a line `# newdoc`. A word that
///   is in the prompt more than once, in any case, is named by its occurrence, as in `frog#2`. Tokens
///   of several words (`3-4`) and empty nodes (`8.1`) are skipped, and so is the root's relation.
/// - A table of `relation`, `head` and `dependent`, separated by tabs or by commas, with words named as
///   in `frog` or `frog#2`; with commas, a field may stand in double quotes. A first line with the
///   columns' names is passed over.
///
/// Source: https://universaldependencies.org/format.html.
package struct DependencyFile: Hashable, Sendable {
  /// Which of CoNLL-U's two analyses is read; a table has but one.
  package enum Analysis: Hashable, Sendable {
    /// The tree, columns HEAD and DEPREL.
    case basic
    /// The graph, column DEPS, with relations such as `nmod:of`; DAAM's table is of these.
    case enhanced
  }

  /// The words of one prompt.
  package struct Prompt: Hashable, Sendable {
    /// The sentences as the file has them under `# text`, with a space between; `nil` if it lacks one.
    package let text: String?
    /// In the order of the dependents.
    package let relations: [WordRelation]
  }

  /// At least one; a table has one, without text.
  package let prompts: [Prompt]

  /// Reads the file at `path`.
  /// - Throws: `FileError` when the file is missing, or with the line that is malformed.
  package init(contentsOf path: String, analysis: Analysis = .basic) throws {
    let lines = try NumberedLine.read(path: path)
    guard let first = lines.first(where: { !$0.isBlank && !$0.isComment }) else {
      throw FileError(.malformed, path: path, reason: "expected relations of words, got none")
    }
    let columns = first.fields(separatedBy: "\t").count
    if columns == CoNLLUReader.width {
      var reader = CoNLLUReader(analysis: analysis)
      prompts = try reader.prompts(of: lines)
    } else {
      let table = DependencyTable(separator: columns > 1 ? "\t" : ",")
      prompts = [Prompt(text: nil, relations: try table.relations(in: lines))]
    }
    guard prompts.contains(where: { !$0.relations.isEmpty }) else {
      throw FileError(
        .malformed, path: path, reason: "expected relations between two words, got none")
    }
  }
}
