import PromptText

extension RunCheck {
  /// Whether `run.json` agrees with itself.
  mutating func check(_ manifest: RunManifest) {
    let file = folder.manifest
    if manifest.height < 1 || manifest.width < 1 {
      add(file, "the picture is \(manifest.height) rows by \(manifest.width) columns")
    }
    if manifest.timesteps.isEmpty { add(file, "timesteps: none, expected one for each iteration") }
    if manifest.status == .complete, manifest.seconds == nil, manifest.provenance.recorder == nil {
      add(file, "seconds: nothing, expected a number in a complete run")
    }
    for (name, values) in [
      ("sigmas", manifest.sigmas), ("denoiserTimes", manifest.denoiserTimes),
    ] {
      if let values, values.count != manifest.timesteps.count {
        add(
          file, "\(name): \(values.count) numbers for \(manifest.timesteps.count) timesteps")
      }
    }
    if let coverage = manifest.provenance.recorder?.coverage,
      coverage.layers - coverage.left.count != coverage.recorded
    {
      add(
        file,
        "provenance.recorder.coverage: \(coverage.recorded) layers recorded and "
          + "\(coverage.left.count) left out, of \(coverage.layers)")
    }
    for text in manifest.texts {
      check(text.table, of: text.role)
      checkSegments(text)
    }
    // A text whose maps are not kept may have another length.
    let keepsNegative = manifest.plan?.branches.contains(.unconditional) ?? false
    if keepsNegative || manifest.provenance.recorder == nil,
      let negative = manifest.tokens(of: .unconditional)?.tokens.count,
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

  /// Whether a text's segments hold each of its tokens once, as what it is.
  private mutating func checkSegments(_ text: EncodedText) {
    let file = folder.manifest
    let table = text.table
    func add(_ reason: String) {
      self.add(file, (text.role == .prompt ? "" : "\(text.role.rawValue): ") + reason)
    }
    guard table.segments.flatMap(\.indices) == Array(table.tokens.indices) else {
      return add("segments: expected each of the \(table.tokens.count) tokens in one of them")
    }
    if let encoder = table.segments.first?.encoder, encoder != text.encoder {
      add("encoder is \(text.encoder), but the first segment's is \(encoder)")
    }
    for segment in table.segments {
      for index in segment.indices {
        let special = table.tokens[index].special
        let isExpected =
          switch index {
          case segment.start: special == .start
          case segment.end: special == .end
          default:
            segment.padding.contains(index)
              ? special == .padding : special == nil || special == .template
          }
        if !isExpected {
          add("token \(index) is \(special?.rawValue ?? "text"), but its segment has it otherwise")
        }
      }
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
      if let range = token.range, range.lowerBound < 0 || range.upperBound > table.prompt.utf8.count
      {
        add(file, "token \(index): \(range) is outside the prompt")
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
