/// Marks of AUTOMATIC1111's web UI in a prompt.
package enum WebUIMarks {
  /// The first mark of a prompt that the web UI's syntax would read and plain text does not, as in
  /// `(cat:1.3)`, `[cat]`, `\(`, `BREAK` or `AND`; `nil` for none.
  package static func first(in prompt: String) -> String? {
    var found: [Substring] = []
    if let escape = prompt.firstRange(of: "\\(") ?? prompt.firstRange(of: "\\)") {
      found.append(prompt[escape])
    }
    for (left, right) in [("(", ")"), ("[", "]")] as [(Character, Character)] {
      guard let open = prompt.firstIndex(of: left),
        let close = prompt[open...].firstIndex(of: right)
      else { continue }
      found.append(prompt[open...close])
    }
    for name in ["BREAK", "AND"] {
      if let range = words(name, in: prompt).first { found.append(prompt[range]) }
    }
    return found.min { $0.startIndex < $1.startIndex }.map(String.init)
  }

  /// Refuses what the web UI reads and Heed does not: prompt editing, alternation, networks in the prompt.
  /// - Throws: ``TextError/unreadSyntax(mark:advice:)``.
  package static func requireReadable(_ prompt: String) throws(TextError) {
    var opened: [String.Index] = []
    var isEscaped = false
    for index in prompt.indices {
      defer { isEscaped = prompt[index] == "\\" && !isEscaped }
      if isEscaped { continue }
      if prompt[index] == "[" { opened.append(index) }
      guard prompt[index] == "]", let open = opened.popLast() else { continue }
      let inside = prompt[prompt.index(after: open)..<index]
      let end = inside.lastIndex(of: ":").map { String(inside[inside.index(after: $0)...]) }
      if inside.contains("|") || end.map({ Double($0.trimmingSpace()) != nil }) ?? false {
        throw .unreadSyntax(
          mark: String(prompt[open...index]),
          advice: "prompt editing and alternation change the text between steps; write one text")
      }
    }
    for network in ["<lora:", "<lyco:", "<hypernet:"] {
      guard let range = prompt.firstRange(of: network) else { continue }
      throw .unreadSyntax(
        mark: String(prompt[range.lowerBound...].prefix { $0 != ">" }) + ">",
        advice: "a LoRA is loaded with the checkpoint, as by --lora FILE:SCALE")
    }
  }

  /// Where a word in capitals stands alone.
  static func words(_ name: String, in prompt: String) -> [Range<String.Index>] {
    prompt.ranges(of: name).filter { range in
      let before = prompt[..<range.lowerBound].unicodeScalars.last
      let after = prompt[range.upperBound...].unicodeScalars.first
      return !(before?.isWordCharacter ?? false) && !(after?.isWordCharacter ?? false)
    }
  }
}

extension PromptMarkup {
  /// Reads a prompt in the web UI's syntax, which `AND` parts; a part may end in a weight, as in
  /// `a cat AND a frog :1.2`.
  ///
  /// The weight of a part is relative to that of guidance, and 1 where none stands.
  /// - Parameters:
  ///   - text: the prompt as the user wrote it.
  ///   - parts: whether a method reads parts.
  /// - Throws: ``TextError`` for an empty part, for nothing but negative weights, and for `AND` where no
  ///   method reads it.
  /// - Reference: AUTOMATIC1111/stable-diffusion-webui `modules/prompt_parser.py`,
  ///   `get_multicond_prompt_list`.
  package init(webUI text: String, parts: Bool) throws(TextError) {
    let marks = WebUIMarks.words("AND", in: text)
    guard !marks.isEmpty else {
      self.init(prompt: text, components: [])
      return
    }
    guard parts else {
      throw .unreadSyntax(
        mark: "AND", advice: "only the method composable takes the prompt in parts; write and")
    }
    var components: [Component] = []
    var start = text.startIndex
    for end in marks.map(\.lowerBound) + [text.endIndex] {
      let (words, weight) = Self.relative(text[start..<end])
      guard !words.isEmpty else { throw .emptyPart(prompt: text) }
      components.append(Component(text: words, weight: weight))
      start = marks.first { $0.lowerBound == end }?.upperBound ?? end
    }
    let wanted = components.filter { $0.weight ?? 1 >= 0 }.map(\.text)
    if wanted.isEmpty { throw .nothingWanted(prompt: text) }
    self.init(prompt: wanted.joined(separator: " and "), components: components)
  }

  /// A part's words, and the number behind its last colon or else 1.
  private static func relative(_ part: Substring) -> (text: String, weight: Double) {
    let text = String(part).trimmingSpace()
    if let colon = text.lastIndex(of: ":"),
      let weight = Double(String(text[text.index(after: colon)...]).trimmingSpace()),
      weight.isFinite
    {
      return (String(text[..<colon]).trimmingSpace(), weight)
    }
    return (text, 1)
  }

  /// The same parts with every weight times a factor.
  package func scalingWeights(by factor: Double) -> PromptMarkup {
    PromptMarkup(
      prompt: prompt,
      components: components.map {
        Component(text: $0.text, weight: $0.weight.map { $0 * factor })
      })
  }
}
