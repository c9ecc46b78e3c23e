package import AttentionTrace
package import PromptText

/// Measurements of recordings, and the axes that are kept.
///
/// Every table begins with the keys `prompt`, `method` and `seed`, then has those of the axes kept:
/// `layer`, `head`, `frame`, `step` and `timestep`.
package struct RunMeasurement: Sendable {
  /// How maps are made.
  package let recipe: Recipe
  /// Axes that are not reduced.
  package let kept: Set<Recipe.Axis>
  /// The head weights that the recipe names, by path.
  package let weights: [String: HeadWeights]

  /// Measures the maps of `recipe`, with the axes `kept` instead of reduced.
  package init(
    by recipe: Recipe, keeping kept: Set<Recipe.Axis> = [], weights: [String: HeadWeights] = [:]
  ) {
    (self.recipe, self.kept, self.weights) = (recipe, kept, weights)
  }

  /// Each word's map by itself: mass, peak attention and its place, entropy and concentration, centre
  /// of mass and spread; see ``MapStatistics``.
  package func statistics(_ run: RecordedRun, of words: [Subject]) throws -> MeasurementTable {
    try table(
      run, words, keys: ["word"],
      values: [
        "mass", "peak", "row", "column", "entropy", "relative_entropy", "concentration",
        "top_share", "gini", "center_row", "center_column", "spread",
      ]
    ) { maps in
      try words.map { word in
        let map = MapStatistics(of: try maps.map(of: word))
        return (
          [.text(word.name)],
          [
            map.mass, Double(map.peak.value), Double(map.peak.row), Double(map.peak.column),
            map.entropy, map.relativeEntropy, map.concentration, map.topShare, map.gini,
            map.centerOfMass.row, map.centerOfMass.column, map.spread,
          ]
        )
      }
    }
  }

  /// What the maps of each pair of words share; see ``MapOverlap``.
  package func overlap(_ run: RecordedRun, of words: [Subject]) throws -> MeasurementTable {
    try table(
      run, words, keys: ["first", "second"],
      values: [
        "segregation", "soft_jaccard", "symmetric_kl", "jensen_shannon", "cosine", "peak_distance",
        "center_distance",
      ]
    ) { maps in
      let all = try words.map { try maps.map(of: $0) }
      return words.indices.flatMap { i in
        words.indices.filter { $0 > i }.map { j in
          let pair = MapOverlap(all[i], all[j])
          return (
            [.text(words[i].name), .text(words[j].name)],
            [
              pair.segregation, pair.softJaccard, pair.symmetricKL, pair.jensenShannon, pair.cosine,
              pair.peakDistance, pair.centerDistance,
            ]
          )
        }
      }
    }
  }

  /// An attribute and the noun it belongs to.
  package typealias Bond = (attribute: Subject, noun: Subject)

  /// How close each attribute is to its noun compared with the other nouns; see ``Binding``.
  package func binding(
    _ run: RecordedRun, of bonds: [Bond], measure: OverlapMeasure
  ) throws -> MeasurementTable {
    let nouns = bonds.map(\.noun).uniqued
    return try table(
      run, nouns + bonds.map(\.attribute), keys: ["attribute", "noun"],
      values: ["own", "over_mean", "over_largest"]
    ) { maps in
      try bonds.map { bond in
        let binding = Binding(
          of: try maps.map(of: bond.attribute), to: try maps.map(of: bond.noun),
          others: try nouns.filter { $0 != bond.noun }.map { try maps.map(of: $0) },
          by: measure)
        return (
          [.text(bond.attribute.name), .text(bond.noun.name)],
          [binding.own, binding.overMean, binding.overLargest]
        )
      }
    }
  }

  /// The share of all attention that fell on the start token, the prompt's words, the end token and
  /// the padding, in every text encoder; NaN for what was not recorded whole.
  ///
  /// Where one of `runs` has them, columns for the words of a chat template and for the picture's own cells
  /// in joint attention come behind.
  /// - Parameter runs: those of the table, of which `run` is one.
  package func tokenMass(
    _ run: RecordedRun, among runs: [RecordedRun]
  ) throws -> MeasurementTable {
    let text = try run.classTable(of: recipe.branches)
    var classes: [(name: String, tokens: Set<Int>)] = [
      ("start", Set(text.positions(of: .start))), ("words", Set(text.content)),
      ("end", Set(text.positions(of: .end))), ("padding", Set(text.positions(of: .padding))),
    ]
    if runs.contains(where: { !$0.manifest.tokens.positions(of: .template).isEmpty }) {
      classes.append(("template", Set(text.positions(of: .template))))
    }
    let hasImage = runs.contains { run in run.sites.contains { $0.site.kind == .joint } }
    let sites = recipe.resolved(of: run).chosen(of: run)
    let kept = sites.map { Set($0.tokens ?? []) }
    let tokens = kept.dropFirst().reduce(kept.first ?? []) { $0.intersection($1) }
    let sums = [RecipeEvaluation.padding, RecipeEvaluation.image].filter { index in
      let name = RecipeEvaluation.sum(at: index) ?? ""
      return recipe.treatsTokensApart && !sites.isEmpty
        && sites.allSatisfy { $0.index(ofSum: name) != nil }
    }
    // What a sum over tokens holds.
    let summed = Set(text.tokens.indices).subtracting(tokens)
    return try table(
      run, tokens: tokens.sorted() + sums, keys: [],
      values: classes.map(\.name) + (hasImage ? ["image"] : [])
    ) { maps in
      let cells = Double(maps.grid.pixels)
      func share(_ columns: Set<Int>) -> Double {
        maps.tokens.indices.filter { columns.contains(maps.tokens[$0]) }
          .reduce(0) { $0 + maps.map(at: $1).mass } / cells
      }
      let shares = classes.map { kind -> Double in
        let apart = kind.tokens.subtracting(tokens)
        // What a model adds to a text whose tokens are all there is padding too.
        let isOfModel = summed.isEmpty && kind.name == "padding"
        if apart.isEmpty, !isOfModel { return share(kind.tokens) }
        guard apart == summed, sums.contains(RecipeEvaluation.padding) else {
          return apart.isEmpty ? share(kind.tokens) : .nan
        }
        return share(kind.tokens.union([RecipeEvaluation.padding]))
      }
      let image = sums.contains(RecipeEvaluation.image) ? share([RecipeEvaluation.image]) : .nan
      return [([], shares + (hasImage ? [image] : []))]
    }
  }

  /// The radial power spectrum of each word's map, a row for each frequency; see ``RadialSpectrum``.
  package func spectrum(_ run: RecordedRun, of words: [Subject]) throws -> MeasurementTable {
    try table(run, words, keys: ["word", "frequency"], values: ["power"]) { maps in
      try words.flatMap { word in
        RadialSpectrum(of: try maps.map(of: word)).power.enumerated().map { frequency, power in
          ([.text(word.name), .integer(frequency)], [power])
        }
      }
    }
  }

  /// How much each word's map changed since the step before; see ``Convergence``.
  ///
  /// Steps are kept apart, whatever ``kept`` says; the first has no row.
  package func convergence(_ run: RecordedRun, of words: [Subject]) throws -> MeasurementTable {
    var before: [[MeasurementTable.Key]: AttentionMap] = [:]
    let stepwise = RunMeasurement(by: recipe, keeping: kept.union([.step]), weights: weights)
    return try stepwise.slices(
      run, words, keys: ["word"], values: ["change", "relative_change"]
    ) { slice in
      try words.compactMap { word in
        let map = try slice.maps.map(of: word)
        let place: [MeasurementTable.Key] = [
          .text(word.name), .text(slice.layer?.site.path ?? ""), .integer(slice.head ?? -1),
          .integer(slice.frame ?? -1),
        ]
        return before.updateValue(map, forKey: place).map { earlier in
          let change = Convergence(of: [earlier, map])
          return ([.text(word.name)], [change.changes[0], change.relativeChanges[0]])
        }
      }
    }
  }

  /// What excitation made of each word's map: the change of its peak attention and entropy, what the
  /// two maps share, and where the centre of mass moved; see ``MapDifference``.
  ///
  /// The seed is that of both runs, the method the excited one's.
  /// - Throws: ``AnalysisError/notComparable(first:second:what:)`` when the runs differ in more than
  ///   their method, or their kept slices do not pair up.
  package func difference(
    excited: RecordedRun, plain: RecordedRun, of words: [Subject]
  ) throws -> MeasurementTable {
    try plain.requireComparable(with: excited)
    var earlier: [[MeasurementTable.Key]: AggregatedMaps] = [:]
    let plainWords = try plain.subjects(like: words, of: excited, by: recipe)
    let tokens = Set(plainWords.flatMap(\.tokens)).sorted()
    try plain.forEachSlice(tokens: tokens, by: recipe, keeping: kept, weights: weights) { slice in
      earlier[keys(of: slice)] = slice.maps
    }
    var table = try slices(
      excited, words, keys: ["word"],
      values: [
        "peak_change", "entropy_change", "soft_jaccard", "center_row_shift",
        "center_column_shift", "center_shift",
      ]
    ) { slice in
      if let before = earlier[keys(of: slice)], before.grid != slice.maps.grid {
        throw AnalysisError.otherGrids(
          plain.folder.path, before.grid, excited.folder.path, slice.maps.grid)
      }
      guard let before = earlier[keys(of: slice)] else {
        throw AnalysisError.notComparable(
          first: plain.folder.path, second: excited.folder.path,
          what: "the first lacks "
            + keys(of: slice).map(\.description).joined(separator: ", "))
      }
      return try zip(words, plainWords).map { word, plainWord in
        let change = MapDifference(
          excited: try slice.maps.map(of: word), plain: try before.map(of: plainWord))
        return (
          [.text(word.name)],
          [
            change.peak, change.entropy, change.softJaccard, change.centerShift.row,
            change.centerShift.column, change.centerDistance,
          ]
        )
      }
    }
    let before = recipe.resolved(for: plain).description
    if table.recipe != before { table.recipe = "\(table.recipe) − \(before)" }
    return table
  }

  // MARK: - Slices

  /// The rows of one slice, without the keys that identify the slice.
  private typealias Rows = [(keys: [MeasurementTable.Key], values: [Double])]

  private func table(
    _ run: RecordedRun, _ words: [Subject], keys: [String], values: [String],
    _ rows: (AggregatedMaps) throws -> Rows
  ) throws -> MeasurementTable {
    try slices(run, words, keys: keys, values: values) { try rows($0.maps) }
  }

  private func table(
    _ run: RecordedRun, tokens: [Int], keys: [String], values: [String],
    _ rows: (AggregatedMaps) throws -> Rows
  ) throws -> MeasurementTable {
    try slices(run, tokens: tokens, keys: keys, values: values) { try rows($0.maps) }
  }

  private func slices(
    _ run: RecordedRun, _ words: [Subject], keys: [String], values: [String],
    _ rows: (MapSlice) throws -> Rows
  ) throws -> MeasurementTable {
    try run.check(words, by: recipe)
    return try slices(
      run, tokens: Set(words.flatMap(\.tokens)).sorted(), keys: keys, values: values, rows)
  }

  private func slices(
    _ run: RecordedRun, tokens: [Int], keys: [String], values: [String],
    _ rows: (MapSlice) throws -> Rows
  ) throws -> MeasurementTable {
    var table = MeasurementTable(
      recipe: recipe.resolved(for: run).description,
      keys: Self.runKeys + sliceKeys + keys, values: values)
    let first = Self.keys(of: run)
    try run.forEachSlice(tokens: tokens, by: recipe, keeping: kept, weights: weights) { slice in
      let place = first + self.keys(of: slice)
      table.rows += try rows(slice).map {
        MeasurementTable.Row(keys: place + $0.keys, values: $0.values)
      }
    }
    return table
  }

  /// The keys that identify runs.
  static let runKeys = ["prompt", "method", "seed"]

  static func keys(of run: RecordedRun) -> [MeasurementTable.Key] {
    [
      .text(run.manifest.tokens.prompt), .init(run.manifest.method),
      .text(String(run.manifest.seed)),
    ]
  }

  private var sliceKeys: [String] {
    [
      kept.contains(.layer) ? ["layer"] : [], kept.contains(.head) ? ["head"] : [],
      kept.contains(.frame) ? ["frame"] : [],
      kept.contains(.step) ? ["step", "timestep"] : [],
    ].flatMap(\.self)
  }

  private func keys(of slice: MapSlice) -> [MeasurementTable.Key] {
    [
      slice.layer.map { [.text($0.site.path)] } ?? [], slice.head.map { [.integer($0)] } ?? [],
      slice.frame.map { [.integer($0)] } ?? [],
      slice.call.map { [.integer($0.step), .text(Self.plain($0.timestep))] } ?? [],
    ].flatMap(\.self)
  }

  /// A time without a fraction that says nothing.
  private static func plain(_ time: Double) -> String {
    Int(exactly: time).map(String.init) ?? String(time)
  }
}
