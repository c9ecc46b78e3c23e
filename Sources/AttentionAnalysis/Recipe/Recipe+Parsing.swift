internal import AttentionTrace
internal import PromptText

extension Recipe {
  /// Reads a recipe: a name of ``NamedRecipe``, or parts between spaces.
  ///
  /// Operations, done in the order in which they stand:
  ///
  /// | part | what it does |
  /// | --- | --- |
  /// | `mean(AXIS)`, `sum(…)`, `max(…)` | removes the axis `head`, `layer`, `step`, `branch` or `frame` |
  /// | `last(step)`, `last(layer: …)` | keeps the last of them |
  /// | `mean(head: 0,3..5)`, `mean(step: 0..24)`, `mean(frame: 0)` | only these heads, steps, frames |
  /// | `mean(layer: 16x16, up*)` | a grid, globs over the layers' paths, or `loss-grid` |
  /// | `weighted(head: 0.5 0 0.5 0)`, `weighted(head: @weights.json)` | a weighted sum of heads |
  /// | `normalize(token)`, `normalize(token: without start end padding)` | over the sum of tokens |
  /// | `softmax(token: 100 without start last)` | softmax of 100 times the numbers, over tokens |
  /// | `minmax(pixel)`, `clamp(pixel)` | each map to 0…1; negative numbers to 0 |
  /// | `smooth(pixel: 3 0.7)` | a Gaussian of 3 cells with σ = 0.7 |
  /// | `resize(pixel: bicubic 64x64)`, `resize(pixel: nearest largest)` | another size |
  ///
  /// And, in any place: `conditional` and `unconditional`, `loss`, `refinement` and `denoise` say
  /// which calls are taken; `image-to-text` says which part of joint attention is read; `max(piece)` how a word's pieces become its map; `tokens(cat, frog#2)`
  /// which words are meant. Left out, heads are averaged first and steps last; calls are those that
  /// predict the noise for the prompt; pieces are averaged.
  /// - Throws: ``AnalysisError/badRecipe(text:column:reason:)`` with the place.
  public init(parsing text: String) throws {
    var parser = RecipeParser(text)
    self = try parser.recipe()
  }
}

/// One reading of a recipe's text.
private struct RecipeParser {
  private let text: String
  private var operations: [Recipe.Operation] = []
  private var pieces: Recipe.PieceReduction?
  private var tokens: [WordReference] = []
  private var branches: Set<Branch> = []
  private var phases: Set<Phase> = []
  private var direction: Recipe.Direction?

  init(_ text: String) { self.text = text }

  mutating func recipe() throws -> Recipe {
    let parts = Self.parts(of: text[...])
    if let first = parts.first, let named = NamedRecipe(rawValue: String(first)) {
      if parts.count > 1 { throw refuse(parts[1], "expected nothing after \(named.rawValue)") }
      return named.recipe
    }
    for part in parts { try read(part) }
    do {
      return try Recipe(
        operations: operations, pieces: pieces ?? .mean, tokens: tokens, branches: branches,
        phases: phases, direction: direction)
    } catch {
      throw refuse(text[text.endIndex...], error.reason)
    }
  }

  /// An error at the beginning of `place`, which is a part of the text.
  private func refuse(_ place: Substring, _ reason: String) -> AnalysisError {
    .badRecipe(
      text: text, column: text.distance(from: text.startIndex, to: place.startIndex) + 1,
      reason: reason)
  }

  private mutating func read(_ part: Substring) throws {
    if let branch = Branch(rawValue: String(part)) {
      branches.insert(branch)
    } else if let phase = Phase(rawValue: String(part)) {
      phases.insert(phase)
    } else if let read = Recipe.Direction(rawValue: String(part)) {
      direction = read
    } else if let open = part.firstIndex(of: "("), part.last == ")" {
      let inside = part[part.index(after: open)...].dropLast().trimmed
      if part[..<open] == "tokens" { return try readTokens(inside, of: part) }
      let colon = inside.firstIndex(of: ":")
      let axis = inside[..<(colon ?? inside.endIndex)].trimmed
      let argument = colon.map { inside[inside.index(after: $0)...].trimmed }
      if let argument, argument.isEmpty { throw refuse(part, "expected something after ':'") }
      try readCall(part[..<open], axis, argument, of: part)
    } else {
      throw refuse(
        part,
        "expected an operation such as mean(…), a branch or a phase, or alone a named recipe ("
          + NamedRecipe.allCases.map(\.rawValue).joined(separator: ", ") + ")")
    }
  }

  private mutating func readTokens(_ inside: Substring, of part: Substring) throws {
    guard tokens.isEmpty, let references = try? WordReference.list(String(inside)) else {
      throw refuse(part, "expected words once, as in tokens(cat, frog#2, <end>)")
    }
    tokens = references
  }

  private mutating func readCall(
    _ name: Substring, _ axis: Substring, _ argument: Substring?, of part: Substring
  ) throws {
    switch (name, axis) {
    case (_, "piece"):
      guard pieces == nil, argument == nil,
        let reduction = Recipe.PieceReduction(rawValue: String(name))
      else { throw refuse(part, "expected mean, sum, max, first or last of piece, once") }
      pieces = reduction
    case ("normalize", "token"):
      operations.append(.normalize(without: try classes(argument ?? "", of: part)))
    case ("softmax", "token"):
      operations.append(try softmax(argument, of: part))
    case ("minmax", "pixel") where argument == nil: operations.append(.minmax)
    case ("clamp", "pixel") where argument == nil: operations.append(.clamp)
    case ("smooth", "pixel"): operations.append(try smooth(argument, of: part))
    case ("resize", "pixel"): operations.append(try resize(argument, of: part))
    default:
      guard let axis = Recipe.Axis(rawValue: String(axis)) else {
        throw refuse(
          axis.isEmpty ? part : axis,
          "expected an axis: head, layer, step, branch, frame, token, pixel or piece")
      }
      for case .reduce(axis, _, _) in operations { throw refuse(part, "\(axis) is reduced twice") }
      operations.append(try reduction(name, axis, argument, of: part))
    }
  }

  private func reduction(
    _ name: Substring, _ axis: Recipe.Axis, _ argument: Substring?, of part: Substring
  ) throws -> Recipe.Operation {
    if name == "weighted", axis == .head {
      return .reduce(.head, .weighted(try weights(argument, of: part)), .all)
    }
    let kind: Recipe.Reduction
    switch name {
    case "mean": kind = .mean
    case "sum": kind = .sum
    case "max": kind = .max
    case "last" where axis == .step || axis == .layer: kind = .last
    default:
      throw refuse(
        part,
        "expected mean, sum or max of \(axis)"
          + (axis == .head
            ? ", or weighted" : axis == .branch || axis == .frame ? "" : ", or last"))
    }
    switch axis {
    case .layer:
      let patterns = (argument ?? "").split(separator: ",", omittingEmptySubsequences: false)
        .map(\.trimmed)
      guard patterns.allSatisfy({ !$0.isEmpty && !$0.contains(where: \.isWhitespace) }) else {
        throw refuse(part, "expected layers, as in \(name)(layer: 16x16) or \(name)(layer: up*)")
      }
      return .reduce(.layer, kind, .layers(patterns.map(String.init)))
    case .branch:
      guard argument == nil else { throw refuse(part, "expected \(name)(branch)") }
      return .reduce(.branch, kind, .all)
    case .head, .step, .frame:
      guard let argument else { return .reduce(axis, kind, .all) }
      return .reduce(axis, kind, .indices(try indices(argument, axis, of: part)))
    }
  }

  /// `0,3..5`, ascending and without repetition.
  private func indices(
    _ argument: Substring, _ axis: Recipe.Axis, of part: Substring
  ) throws -> [Int] {
    var all: [Int] = []
    for range in argument.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = range.trimmed.split(separator: ".", omittingEmptySubsequences: false)
      let numbers = ends.map { Self.index($0) }
      guard let first = numbers.first ?? nil, let last = numbers.last ?? nil,
        numbers.count == 1 || (numbers.count == 3 && ends[1].isEmpty), first <= last,
        first > all.last ?? -1
      else {
        throw refuse(part, "expected \(axis)s, ascending, as in 0..24 or 0,3..5")
      }
      all += first...last
    }
    return all
  }

  /// An index of at most six digits; more of anything is not recorded.
  private static func index(_ text: Substring) -> Int? {
    text.count <= 6 && text.allSatisfy { ("0"..."9").contains($0) } ? Int(text) : nil
  }

  private func weights(
    _ argument: Substring?, of part: Substring
  ) throws -> HeadWeights.Reference {
    if let argument, argument.first == "@", argument.count > 1 {
      return .file(String(argument.dropFirst()))
    }
    let numbers = (argument ?? "").split(whereSeparator: \.isWhitespace).map { Float($0) }
    let weights = numbers.compactMap { $0 }
    guard !weights.isEmpty, weights.count == numbers.count, weights.allSatisfy(\.isFinite) else {
      throw refuse(part, "expected weights, as in weighted(head: 0.5 0.5) or a file, @weights.json")
    }
    return .inline(weights)
  }

  private func softmax(_ argument: Substring?, of part: Substring) throws -> Recipe.Operation {
    let argument = argument ?? ""
    let words = argument.split(maxSplits: 1, whereSeparator: \.isWhitespace)
    guard let scale = words.first.flatMap({ Float($0) }), scale.isFinite, scale > 0 else {
      throw refuse(part, "expected a scale, as in softmax(token: 100 without start last)")
    }
    return .softmax(
      scale: scale, without: try classes(words.count > 1 ? words[1].trimmed : "", of: part))
  }

  /// `without start end`, or nothing.
  private func classes(_ text: Substring, of part: Substring) throws -> Set<Recipe.TokenClass> {
    let words = text.split(whereSeparator: \.isWhitespace)
    guard let first = words.first else { return [] }
    let classes = words.dropFirst().map { Recipe.TokenClass(rawValue: String($0)) }
    let known = classes.compactMap { $0 }
    guard first == "without", !known.isEmpty, known.count == classes.count else {
      throw refuse(
        first,
        "expected 'without' and some of "
          + "start, end, padding, template, last or unread")
    }
    return Set(known)
  }

  private func smooth(_ argument: Substring?, of part: Substring) throws -> Recipe.Operation {
    let words = (argument ?? "").split(whereSeparator: \.isWhitespace)
    guard words.count == 2, let side = Self.index(words[0]), side % 2 == 1, side < 100,
      let sigma = Float(words[1]), sigma.isFinite, sigma > 0
    else {
      throw refuse(
        part, "expected an odd number of cells and σ, as in smooth(pixel: 3 0.7)")
    }
    return .smooth(side: side, sigma: sigma)
  }

  private func resize(_ argument: Substring?, of part: Substring) throws -> Recipe.Operation {
    let words = (argument ?? "").split(whereSeparator: \.isWhitespace)
    guard words.count == 2, let kernel = Recipe.Interpolation(rawValue: String(words[0])) else {
      throw refuse(
        part, "expected nearest, bilinear or bicubic and a size, as in resize(pixel: bicubic 64x64)"
      )
    }
    if words[1] == "largest" { return .resize(kernel, .largest) }
    let sides = words[1].split(separator: "x", omittingEmptySubsequences: false).map(Self.index)
    guard sides.count == 2, let rows = sides[0], let columns = sides[1],
      (1...4096).contains(rows), (1...4096).contains(columns)
    else { throw refuse(words[1], "expected rows and columns, as in 64x64, or largest") }
    return .resize(kernel, .grid(Grid(rows: rows, columns: columns)))
  }

  /// Words, with what stands between parentheses kept whole.
  private static func parts(of text: Substring) -> [Substring] {
    var parts: [Substring] = []
    var start: String.Index?
    var depth = 0
    for index in text.indices {
      let character = text[index]
      if character == "(" { depth += 1 }
      if character == ")" { depth -= 1 }
      if character.isWhitespace, depth <= 0 {
        if let begun = start { parts.append(text[begun..<index]) }
        start = nil
      } else if start == nil {
        start = index
      }
    }
    if let begun = start { parts.append(text[begun...]) }
    return parts
  }
}

extension Substring {
  fileprivate var trimmed: Substring {
    var text = self
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }
}
