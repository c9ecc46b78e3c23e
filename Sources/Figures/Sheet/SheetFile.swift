internal import AttentionAnalysis
internal import Drawing
internal import TensorEngine
internal import YAML

/// A sheet as a small YAML file: its panels, and what each of them shows.
enum SheetFile {
  /// Reads the file at `path`.
  /// - Throws: `FileError` with the key and what is wrong there.
  static func read(_ path: String) throws -> SheetPlan {
    let root = try YAMLDocument.read(path: path)
    guard let panels = try root.optionalMember("panels") else {
      var plan = SheetPlan(rows: [[try panel(root, besides: wordKeys)]])
      plan.words = try words(root)
      return plan
    }
    try check(root, ["panels", "caption"] + wordKeys)
    let rows = try panels.elements().map { row in
      if case .array = row.value { return try row.elements().map { try panel($0) } }
      return [try panel(row)]
    }
    guard !rows.isEmpty, !rows.contains(where: \.isEmpty) else {
      throw panels.failure("expected at least one panel in each row")
    }
    var plan = SheetPlan(
      rows: rows, caption: try root.optionalMember("caption")?.string() ?? "")
    plan.words = try words(root)
    return plan
  }

  /// The keys of words that a sheet leaves out, named as the options of `heed sheet`.
  private static let wordKeys = ["no-title", "no-caption"]

  private static func words(_ root: JSONNode) throws -> PrintedWords {
    let (title, caption) = (wordKeys[0], wordKeys[1])
    return PrintedWords(
      title: !(try root.optionalMember(title)?.bool() ?? false),
      note: !(try root.optionalMember(caption)?.bool() ?? false))
  }

  private static func check(_ node: JSONNode, _ keys: [String]) throws {
    for key in try node.object().keys where !keys.contains(key) {
      throw node.failure(
        "expected keys among \(keys.joined(separator: ", ")), got \(FileError.quoted(key))")
    }
  }

  private static func panel(
    _ node: JSONNode, besides keys: [String] = []
  ) throws -> SheetPlan.Panel {
    let named = try node.optionalMember("layout")
    let kind: SheetPlan.Kind = try named.map(one) ?? .maps
    try check(node, ["layout", "caption"] + keys + kind.options.map(\.rawValue))
    let content: SheetPlan.Content =
      switch kind {
      case .maps: .maps(try maps(node))
      case .compare:
        .compare(
          recipe: try recipe(node),
          curves: try node.optionalMember("curves").map(one) ?? .without,
          stepsPictures: try node.optionalMember(SheetOption.stepsPictures.rawValue).map(steps))
      case .matrix:
        .matrix(words: try node.optionalMember("words")?.strings() ?? [], recipe: try recipe(node))
      case .curves:
        .curves(
          measures: try node.optionalMember("measures")?.elements().map(one) ?? [],
          recipe: try recipe(node))
      case .neglect: .neglect(cases: try cases(node), recipe: try recipe(node))
      case .outcome: .outcome(knob: try node.optionalMember("knob")?.string() ?? "")
      }
    return SheetPlan.Panel(
      content, maps: try style(node),
      caption: try node.optionalMember("caption")?.string() ?? "")
  }

  private static func cases(_ node: JSONNode) throws -> Int {
    guard let cases = try node.optionalMember("cases") else { return NeglectSheet.defaultCases }
    guard try cases.integer() > 0 else { throw cases.failure("expected 1 case or more") }
    return try cases.integer()
  }

  // MARK: - Maps

  private static func maps(_ node: JSONNode) throws -> MapSheetPlan {
    var plan = MapSheetPlan(
      rows: try facets(node.member("rows")), columns: try facets(node.member("columns")))
    if let words = try node.optionalMember("words") {
      if case .string(let text) = words.value {
        guard text == "all" else { throw words.failure("expected a list of words, or all") }
        plan.showsAllTokens = true
      } else {
        plan.words = try words.strings()
      }
    }
    if let steps = try node.optionalMember("steps") { plan.steps = try self.steps(steps) }
    if let frames = try node.optionalMember("frames") {
      plan.frames = try frames.integers()
      guard plan.frames.allSatisfy({ $0 >= 0 }) else {
        throw frames.failure("expected frames of 0 or more")
      }
    }
    plan.knob = try node.optionalMember("knob")?.string() ?? ""
    plan.showsPictures = try node.optionalMember("pictures")?.bool() ?? false
    plan.showsDifferences = try node.optionalMember("difference")?.bool() ?? false
    plan.recipe = try recipe(node)
    return plan
  }

  private static func steps(_ node: JSONNode) throws -> [Int] {
    let steps = try node.integers()
    guard steps.allSatisfy({ $0 >= 0 }) else { throw node.failure("expected steps of 0 or more") }
    return steps
  }

  private static func facets(_ node: JSONNode) throws -> [MapSheetPlan.Facet] {
    try node.elements().map(one)
  }

  private static func recipe(_ node: JSONNode) throws -> String {
    guard let recipe = try node.optionalMember("recipe"), try !recipe.string().isEmpty else {
      return ""
    }
    do {
      return try Recipe(parsing: recipe.string()).description
    } catch let error as AnalysisError {
      // In one line: the other lines are the recipe and a mark below the column.
      let reason = "\(error)".prefix { $0 != "\n" }
      throw recipe.failure("\(reason) of \(FileError.quoted(try recipe.string()))")
    }
  }

  /// How the panel's maps are drawn; `nil` if no key says anything of it.
  private static func style(_ node: JSONNode) throws -> MapStyle? {
    let drawing = SheetOption.drawing.map(\.rawValue)
    guard try node.object().keys.contains(where: drawing.contains) else { return nil }
    func member(_ option: SheetOption) throws -> JSONNode? {
      try node.optionalMember(option.rawValue)
    }
    var style = MapStyle()
    if let node = try member(.overlay) { style.overlay = try one(of: node) }
    if let node = try member(.interpolation) { style.interpolation = try one(of: node) }
    if let node = try member(.colors) {
      style.colors = try value(of: node, ColorMap.init(named:), expected: ColorMap.expected)
    }
    if let node = try member(.scale) {
      style.range = try value(
        of: node, MapStyle.Range.init(_:), expected: MapStyle.Range.expected)
    }
    if let node = try member(.log) { style.isLogarithmic = try node.bool() }
    if let node = try member(.levels) {
      style.contours = try node.elements().map { try $0.double() }
      guard MapStyle.areLevels(style.contours) else {
        throw node.failure("expected \(MapStyle.expectedLevels)")
      }
    }
    if let node = try member(.swapRedBlue) { style.swapsRedAndBlue = try node.bool() }
    return style
  }

  /// What `read` makes of a text.
  private static func value<Value>(
    of node: JSONNode, _ read: (String) -> Value?, expected: String
  ) throws -> Value {
    let text = try node.string()
    guard let value = read(text) else {
      throw node.failure("expected \(expected); got \(FileError.quoted(text))")
    }
    return value
  }

  private static func one<Value: RawRepresentable<String> & CaseIterable>(
    of node: JSONNode
  ) throws -> Value {
    try value(
      of: node, Value.init(rawValue:),
      expected: "one of " + Value.allCases.map(\.rawValue).joined(separator: ", "))
  }

  // MARK: - Printing

  /// The file that ``read(_:)`` reads as `plan`.
  static func text(_ plan: SheetPlan) -> String {
    guard plan.rows.count > 1 || plan.rows[0].count > 1 || !plan.caption.isEmpty else {
      return (text(plan.rows[0][0]) + wordLines(plan.words)).joined(separator: "\n")
    }
    var lines = plan.caption.isEmpty ? [] : ["caption: \(quoted(plan.caption))"]
    lines += wordLines(plan.words)
    lines.append("panels:")
    for row in plan.rows {
      for (place, panel) in row.enumerated() {
        let lead = row.count == 1 ? "  - " : place == 0 ? "  - - " : "    - "
        let rest = String(repeating: " ", count: lead.count)
        for (index, line) in text(panel).enumerated() {
          lines.append((index == 0 ? lead : rest) + line)
        }
      }
    }
    return lines.joined(separator: "\n")
  }

  private static func wordLines(_ words: PrintedWords) -> [String] {
    [
      "# Whether to leave out the prompt above the figure, and the note below it.",
      "no-title: \(!words.title)", "no-caption: \(!words.note)",
    ]
  }

  private static func text(_ panel: SheetPlan.Panel) -> [String] {
    var lines = ["layout: \(panel.content.kind.rawValue)"]
    switch panel.content {
    case .compare(let recipe, let curves, let stepsPictures):
      lines += [
        "# Below each seed: \(CompareCurves.allCases.map(\.rawValue).joined(separator: ", ")).",
        "curves: \(curves.rawValue)",
        "# steps-pictures: steps whose predicted pictures are shown, as in [0, 9]; [] for four; none if not given.",
      ]
      lines += stepsPictures.map { ["steps-pictures: \(list($0.map(String.init)))"] } ?? []
      lines += recipeLines(recipe)
    case .matrix(let words, let recipe):
      lines += [
        "# Words, as in [cat, \"frog#2\"]; an empty list for every word of the prompt.",
        "words: \(list(words.map(quoted)))",
      ]
      lines += recipeLines(recipe)
    case .curves(let measures, let recipe):
      lines += [
        "# Some of \(CurveMeasure.allCases.map(\.rawValue).joined(separator: ", ")); an empty list for peak, loss, entropy and overlap.",
        "measures: \(list(measures.map(\.rawValue)))",
      ]
      lines += recipeLines(recipe)
    case .neglect(let cases, let recipe):
      lines += ["# How many runs are shown.", "cases: \(cases)"] + recipeLines(recipe)
    case .outcome(let knob):
      lines += [
        "# The knob whose values are compared, as in scale-factor.", "knob: \(quoted(knob))",
      ]
    case .maps(let plan): lines += text(plan)
    }
    lines += styleLines(panel)
    if !panel.caption.isEmpty { lines.append("caption: \(quoted(panel.caption))") }
    return lines
  }

  private static func text(_ plan: MapSheetPlan) -> [String] {
    [
      "# method, knob, seed, word, layer, head, step, frame: from the outermost to the innermost.",
      "rows: \(list(plan.rows.map(\.rawValue)))",
      "columns: \(list(plan.columns.map(\.rawValue)))",
      "# Words, as in [cat, \"frog#2\", \"<start>\"]; all for every token; an empty list for the runs' subjects.",
      "words: \(plan.showsAllTokens ? "all" : list(plan.words.map(quoted)))",
      "# The steps to show, if step is in rows or columns; an empty list for eight from the first to the last.",
      "steps: \(list(plan.steps.map(String.init)))",
      "# The frames of a video to show, if frame is in rows or columns; an empty list for eight from the first to the last.",
      "frames: \(list(plan.frames.map(String.init)))",
      "# The knob whose values are compared, if knob is in rows or columns, as in scale-factor.",
      "knob: \(quoted(plan.knob))",
      "# Whether to show each run's picture before its maps.",
      "pictures: \(plan.showsPictures)",
      "# Whether to show differences, guided − plain, instead of maps.",
      "difference: \(plan.showsDifferences)",
    ] + recipeLines(plan.recipe)
  }

  private static func recipeLines(_ recipe: String) -> [String] {
    [
      "# How maps are aggregated; empty for the mean over heads, the layers that the loss reads, and steps.",
      "recipe: \(quoted(recipe))",
    ]
  }

  private static func styleLines(_ panel: SheetPlan.Panel) -> [String] {
    guard let style = panel.maps else { return [] }
    let colors = "colors: \(style.colors.name)"
    switch panel.content {
    case .matrix: return [colors]
    case .curves, .outcome: return []
    case .compare, .maps, .neglect: break
    }
    var isDifference = false
    if case .maps(let plan) = panel.content { isDifference = plan.showsDifferences }
    return [
      "# \(OverlayMode.allCases.map(\.rawValue).joined(separator: ", ")).",
      "overlay: \(style.overlay.rawValue)",
      isDifference ? "# Differences have their own colours." : colors,
      "# interpolation: \(Recipe.Interpolation.allCases.map(\.rawValue).joined(separator: ", ")), between cells; what suits the overlay if it is not given.",
    ] + (style.interpolation.map { ["interpolation: \($0.rawValue)"] } ?? []) + [
      "# Colour scale: shared by all maps, own for each map, or two numbers, as in 0..0.5.",
      "scale: \(style.range)", "log: \(style.isLogarithmic)",
      "# Contour levels, as fractions of the scale.",
      "levels: \(list(style.contours.map { "\($0)" }))",
    ] + (style.swapsRedAndBlue ? ["\(SheetOption.swapRedBlue.rawValue): true"] : [])
  }

  private static func quoted(_ text: String) -> String {
    "\""
      + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
      .replacing("\n", with: "\\n") + "\""
  }

  private static func list(_ items: [String]) -> String { "[\(items.joined(separator: ", "))]" }
}
