import PromptText

extension RunCheck {
  /// Whether `run.json` agrees with itself.
  mutating func check(_ manifest: RunManifest) {
    let file = folder.manifest
    if manifest.height < 1 || manifest.width < 1 {
      add(file, "the picture is \(manifest.height) rows by \(manifest.width) columns")
    }
    if manifest.timesteps.isEmpty { add(file, "timesteps: none, expected one for each iteration") }
    if manifest.status == .complete, manifest.seconds == nil {
      add(file, "seconds: nothing, expected a number in a complete run")
    }
    for text in manifest.texts { check(text.table, of: text.role) }
    if let negative = manifest.tokens(of: .unconditional)?.tokens.count,
      negative != manifest.tokens.tokens.count
    {
      add(file, "the negative prompt has \(negative) tokens, not \(manifest.tokens.tokens.count)")
    }
    for subject in manifest.subjects {
      let window = manifest.tokens.tokens.indices
      if let token = subject.tokens.first(where: { !window.contains($0) }) {
        add(file, "subject '\(subject.name)': token \(token) is outside the window \(window)")
      }
      if subject.tokens.isEmpty { add(file, "subject '\(subject.name)' has no token") }
    }
  }

  private mutating func check(_ table: TokenTable, of role: EncodedText.Role) {
    let file = folder.manifest
    let of = role == .prompt ? "" : "\(role.rawValue): "
    func add(_ file: String, _ reason: String) { self.add(file, of + reason) }
    for (index, token) in table.tokens.enumerated() {
      if token.index != index {
        add(file, "tokens: index \(token.index) at position \(index)")
      }
      if let word = token.word, !table.words.indices.contains(word) {
        add(file, "token \(index): word \(word), but there are \(table.words.count)")
      }
      if let range = token.range, range.lowerBound < 0 || range.upperBound > table.prompt.utf8.count
      {
        add(file, "token \(index): \(range) is outside the prompt")
      }
    }
    for word in table.words {
      if let token = word.tokens.first(where: { !table.tokens.indices.contains($0) }) {
        add(file, "word '\(word.text)': token \(token) is outside the window")
      }
    }
  }

  /// Whether the journal's calls are those of the manifest.
  mutating func checkJournal(_ scope: Scope) {
    let manifest = scope.manifest
    for record in scope.records {
      func add(_ reason: String) { self.add(folder.journal, "call \(record.call): \(reason)") }
      guard manifest.timesteps.indices.contains(record.step) else {
        add("step \(record.step), but run.json has \(manifest.timesteps.count) timesteps")
        continue
      }
      let timestep = manifest.timesteps[record.step]
      if record.timestep != timestep {
        add("timestep \(record.timestep), but run.json has \(timestep) for step \(record.step)")
      }
      if let measurement = record.measurement {
        let (count, subjects) = (measurement.scores.count, manifest.subjects.count)
        if count != subjects { add("\(count) scores for \(subjects) subjects") }
      }
    }
    if scope.isComplete && scope.journalIsWhole { checkSteps(scope) }
  }

  /// Whether each iteration of a complete run predicted the noise for the prompt once.
  private mutating func checkSteps(_ scope: Scope) {
    var counts = [Int](repeating: 0, count: scope.manifest.timesteps.count)
    for record in scope.records where counts.indices.contains(record.step) {
      if record.phase == .denoise && record.branch == .conditional { counts[record.step] += 1 }
    }
    for (step, count) in counts.enumerated() where count != 1 {
      add(
        folder.journal,
        "step \(step) of a complete run has \(count) predictions for the prompt, expected 1")
    }
  }
}
