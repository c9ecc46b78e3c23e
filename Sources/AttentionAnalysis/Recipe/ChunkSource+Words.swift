package import AttentionTrace
package import PromptText

// The keys of the unconditional branch are the tokens of the negative prompt, not those of the prompt:
// what a word means depends on the branches that a recipe takes.

extension ChunkSource {
  /// The text whose tokens are the last axis of a branch's maps.
  /// - Throws: ``AnalysisError/nothingSelected(run:what:recorded:)`` where the source does not have it.
  package func table(of branch: Branch) throws -> TokenTable {
    guard let table = tokens(of: branch) else {
      throw AnalysisError.nothingSelected(
        run: name, what: "the text of the \(branch.rawValue) branch",
        recorded: "that of the conditional branch; make the run again to measure the other")
    }
    return table
  }

  /// The text whose words a recipe's maps are of: the negative prompt where the recipe takes the
  /// unconditional branch alone, otherwise the prompt.
  /// - Throws: as ``table(of:)``.
  package func wordTable(by recipe: Recipe) throws -> TokenTable {
    try table(of: recipe.branches == [.unconditional] ? .unconditional : .conditional)
  }

  /// The words that `references` mean in a recipe's maps.
  /// - Throws: `TextError` for a word that the text of the branch does not have, and as
  ///   ``check(_:by:)``.
  package func subjects(
    _ references: [WordReference], by recipe: Recipe
  ) throws -> [Subject] {
    let table = try wordTable(by: recipe)
    let branch: Branch = recipe.branches == [.unconditional] ? .unconditional : .conditional
    let subjects = try references.map { reference in
      do throws(TextError) { return try reference.subject(in: table) } catch {
        throw TextError.inText(branch.textName, error)
      }
    }
    try check(subjects, by: recipe)
    return subjects
  }

  /// The words of the prompt that `subjects` are, as a recipe's maps have them.
  /// - Throws: as ``subjects(_:by:)-([WordReference],_)``.
  package func subjects(_ subjects: [Subject], by recipe: Recipe) throws -> [Subject] {
    guard recipe.branches.contains(.unconditional) else { return subjects }
    return try self.subjects(subjects.map { try WordReference($0.name) }, by: recipe)
  }

  /// Refuses words whose tokens are others in a branch that the recipe takes.
  ///
  /// Where a recipe puts both branches together, a word of the prompt may stand beside the start, end and
  /// padding of the negative prompt, as in the published averages of both, but not beside another word.
  /// - Throws: ``AnalysisError/nothingSelected(run:what:recorded:)`` or `TextError`.
  package func check(_ subjects: [Subject], by recipe: Recipe) throws {
    guard recipe.branches.contains(.unconditional) else { return }
    let negative = try table(of: .unconditional)
    for subject in subjects {
      if recipe.branches.contains(.conditional) {
        if case .index? = try? WordReference(subject.name) { continue }
        let prompt = try table(of: .conditional)
        let taken = subject.tokens.compactMap { negative.token($0) }
        guard
          let other = taken.first(where: {
            $0.special == nil && $0.id != prompt.token($0.index)?.id
          })
        else { continue }
        throw AnalysisError.nothingSelected(
          run: name,
          what:
            "'\(subject.name)' in both branches: token \(other.index) of the negative prompt is "
            + "'\(negative.label(of: other.index))', so '\(recipe)' of that word",
          recorded: "both branches apart; take conditional or unconditional alone")
      } else if (try? WordReference(subject.name).tokens(in: negative)) != subject.tokens {
        throw AnalysisError.nothingSelected(
          run: name, what: "'\(subject.name)' in the unconditional branch",
          recorded: "the negative prompt, "
            + negative.tokens.filter { $0.special != .padding }.map { negative.label(of: $0.index) }
            .joined(separator: " "))
      }
    }
  }

  /// The text whose start, end and padding are those of a recipe's maps.
  /// - Throws: ``AnalysisError/nothingSelected(run:what:recorded:)`` where the recipe puts branches
  ///   together whose texts have them at other positions.
  func classTable(of branches: Set<Branch>) throws -> TokenTable {
    let tables = try Branch.allCases.reversed().filter(branches.contains).map { try table(of: $0) }
    let kinds = tables.map { $0.tokens.map(\.special) }
    guard let first = tables.first, kinds.allSatisfy({ $0 == kinds[0] }) else {
      throw AnalysisError.nothingSelected(
        run: name, what: "one place of start, end and padding for both branches",
        recorded: "a prompt and a negative prompt of different lengths; take one branch alone")
    }
    return first
  }
}

extension TokenTable {
  /// What the text of a branch has to show, from the start token to the end token; of a text without
  /// words the padding too.
  ///
  /// What no text encoder has is left out.
  package var shownSubjects: [Subject] {
    func special(_ reference: WordReference) -> [Subject] {
      (try? reference.subject(in: self)).map { [$0] } ?? []
    }
    return special(.start) + words.map(subject(of:)) + special(.end)
      + (words.isEmpty ? special(.padding) : [])
  }
}
