import AttentionAnalysis
import Diffusion
import Figures
import TensorEngine

/// A sheet in a small YAML file: its panels, and what each of them shows.
enum SheetFile {
  private static let drawing = ["overlay", "colors", "interpolation", "scale", "log", "levels"]
  private static let common = ["layout", "caption"]

  /// The keys that a layout reads.
  private static func keys(of layout: String) -> [String]? {
    switch layout {
    case "maps":
      common + ["rows", "columns", "words", "steps", "knob", "pictures", "difference", "recipe"]
        + drawing
    case "compare": common + ["recipe"] + drawing
    case "matrix": common + ["words", "recipe", "colors"]
    case "curves": common + ["measures", "recipe"]
    case "neglect": common + ["cases", "recipe"] + drawing
    default: nil
    }
  }

  /// Reads the file at `path`.
  /// - Throws: `FileError` with the key and what is wrong there.
  static func read(_ path: String) throws -> SheetPlan {
    let root = try YAMLDocument.read(path: path)
    guard let panels = try root.optionalMember("panels") else {
      return SheetPlan(rows: [[try panel(root)]])
    }
    try check(root, ["panels", "caption"])
    let rows = try panels.elements().map { row in
      if case .array = row.value { return try row.elements().map(panel) }
      return [try panel(row)]
    }
    guard !rows.isEmpty, !rows.contains(where: \.isEmpty) else {
      throw panels.failure("expected at least one panel in each row")
    }
    return SheetPlan(
      rows: rows, caption: try root.optionalMember("caption")?.string() ?? "")
  }

  private static func check(_ node: JSONNode, _ keys: [String]) throws {
    for key in try node.object().keys where !keys.contains(key) {
      throw node.failure(
        "expected keys among \(keys.joined(separator: ", ")), got \(FileError.quoted(key))")
    }
  }

  private static func panel(_ node: JSONNode) throws -> SheetPlan.Panel {
    let named = try node.optionalMember("layout")
    let layout = try named?.string() ?? "maps"
    guard let keys = keys(of: layout) else {
      throw (named ?? node).failure("expected one of maps, compare, matrix, curves, neglect")
    }
    try check(node, keys)
    let content: SheetPlan.Content =
      switch layout {
      case "compare": .compare(recipe: try recipe(node))
      case "matrix":
        .matrix(words: try node.optionalMember("words")?.strings() ?? [], recipe: try recipe(node))
      case "curves":
        .curves(
          measures: try node.optionalMember("measures")?.elements().map { try one(of: $0) } ?? [],
          recipe: try recipe(node))
      case "neglect": .neglect(cases: try cases(node), recipe: try recipe(node))
      default: .maps(try maps(node))
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
    if let steps = try node.optionalMember("steps") {
      plan.steps = try steps.integers()
      guard plan.steps.allSatisfy({ $0 >= 0 }) else {
        throw steps.failure("expected steps from 0 on")
      }
    }
    plan.knob = try node.optionalMember("knob")?.string() ?? ""
    plan.showsPictures = try node.optionalMember("pictures")?.bool() ?? false
    plan.showsDifferences = try node.optionalMember("difference")?.bool() ?? false
    plan.recipe = try recipe(node)
    return plan
  }

  private static func facets(_ node: JSONNode) throws -> [MapSheetPlan.Facet] {
    try node.elements().map { element in
      guard let facet = MapSheetPlan.Facet(rawValue: try element.string()) else {
        let names = MapSheetPlan.Facet.allCases.map(\.rawValue).joined(separator: ", ")
        throw element.failure("expected one of \(names)")
      }
      return facet
    }
  }

  private static func recipe(_ node: JSONNode) throws -> String {
    guard let recipe = try node.optionalMember("recipe"), try !recipe.string().isEmpty else {
      return ""
    }
    do {
      return try Recipe(parsing: recipe.string()).description
    } catch let error as AnalysisError {
      throw recipe.failure("\(error)")
    }
  }

  /// How the panel's maps are drawn; `nil` if no key says anything of it.
  private static func style(_ node: JSONNode) throws -> MapStyle? {
    guard try node.object().keys.contains(where: drawing.contains) else { return nil }
    var style = MapStyle()
    func set<Value>(
      _ key: String, _ path: WritableKeyPath<MapStyle, Value>, _ read: (JSONNode) throws -> Value
    )
      throws
    {
      guard let member = try node.optionalMember(key) else { return }
      do {
        style[keyPath: path] = try read(member)
      } catch let error where !(error is FileError) {
        throw member.failure("\(error)")
      }
    }
    try set("overlay", \.overlay) { try one(of: $0) }
    try set("interpolation", \.interpolation) { try one(of: $0) }
    try set("colors", \.colors) { try MapOptions.colorMap($0.string()) }
    try set("scale", \.range) { try MapOptions.range($0.string()) }
    try set("log", \.isLogarithmic) { try $0.bool() }
    try set("levels", \.contours) { try $0.elements().map { try $0.double() } }
    return style
  }

  private static func one<Value: RawRepresentable<String> & CaseIterable>(
    of node: JSONNode
  ) throws -> Value {
    guard let value = Value(rawValue: try node.string()) else {
      throw node.failure(
        "expected one of " + Value.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return value
  }

  // MARK: - Printing

  /// The file that ``read(_:)`` makes `plan` of.
  static func text(_ plan: SheetPlan) -> String {
    guard plan.rows.count > 1 || plan.rows[0].count > 1 || !plan.caption.isEmpty else {
      return text(plan.rows[0][0]).joined(separator: "\n")
    }
    var lines = plan.caption.isEmpty ? [] : ["caption: \(quoted(plan.caption))"]
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

  private static func text(_ panel: SheetPlan.Panel) -> [String] {
    var lines = ["layout: \(panel.content.name)"]
    switch panel.content {
    case .compare(let recipe): lines += recipeLines(recipe)
    case .matrix(let words, let recipe):
      lines += [
        "# Words as in [cat, \"frog#2\"]; none for every word of the prompt.",
        "words: \(list(words.map(quoted)))",
      ]
      lines += recipeLines(recipe)
    case .curves(let measures, let recipe):
      lines += [
        "# Some of \(CurvesSheet.Measure.allCases.map(\.rawValue).joined(separator: ", ")); none for all.",
        "measures: \(list(measures.map(\.rawValue)))",
      ]
      lines += recipeLines(recipe)
    case .neglect(let cases, let recipe):
      lines += ["# How many are shown.", "cases: \(cases)"] + recipeLines(recipe)
    case .maps(let plan): lines += text(plan)
    }
    lines += styleLines(panel)
    if !panel.caption.isEmpty { lines.append("caption: \(quoted(panel.caption))") }
    return lines
  }

  private static func text(_ plan: MapSheetPlan) -> [String] {
    [
      "# method, knob, seed, word, layer, head, step: from the outermost to the innermost.",
      "rows: \(list(plan.rows.map(\.rawValue)))",
      "columns: \(list(plan.columns.map(\.rawValue)))",
      "# Words as in [cat, \"frog#2\", \"<start>\"]; all for every token; none for the runs' subjects.",
      "words: \(plan.showsAllTokens ? "all" : list(plan.words.map(quoted)))",
      "# Where steps stand apart; none for eight from the first to the last.",
      "steps: \(list(plan.steps.map(String.init)))",
      "# The method's knob that tells runs apart, as in scale-factor; none without.",
      "knob: \(quoted(plan.knob))",
      "# Whether each run's picture stands before its maps.",
      "pictures: \(plan.showsPictures)",
      "# Whether maps are those with excitation less those without.",
      "difference: \(plan.showsDifferences)",
    ] + recipeLines(plan.recipe)
  }

  private static func recipeLines(_ recipe: String) -> [String] {
    [
      "# How maps are made; none for the mean over heads, the layers that the loss reads, and steps.",
      "recipe: \(quoted(recipe))",
    ]
  }

  private static func styleLines(_ panel: SheetPlan.Panel) -> [String] {
    guard let style = panel.maps else { return [] }
    let colors = "colors: \(style.colors.name)"
    switch panel.content {
    case .matrix: return [colors]
    case .curves: return []
    case .compare, .maps, .neglect: break
    }
    var isDifference = false
    if case .maps(let plan) = panel.content { isDifference = plan.showsDifferences }
    let range =
      switch style.range {
      case .shared: "shared"
      case .own: "own"
      case .fixed(let lower, let upper): "\(lower)..\(upper)"
      }
    return [
      "# \(OverlayMode.allCases.map(\.rawValue).joined(separator: ", ")).",
      "overlay: \(style.overlay.rawValue)",
      isDifference ? "# Differences have colours of their own." : colors,
      "# \(Recipe.Interpolation.allCases.map(\.rawValue).joined(separator: ", ")): with cells, side, alpha and dim.",
      "interpolation: \(style.interpolation.rawValue)",
      "# shared by all maps; own for each; or two numbers, as in 0..0.5.",
      "scale: \(range)", "log: \(style.isLogarithmic)",
      "# Where contours run, as shares of the scale.",
      "levels: \(list(style.contours.map { "\($0)" }))",
    ]
  }

  private static func quoted(_ text: String) -> String {
    "\""
      + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
      .replacing("\n", with: "\\n") + "\""
  }

  private static func list(_ items: [String]) -> String { "[\(items.joined(separator: ", "))]" }
}
