public import AttentionTrace
internal import TensorEngine

/// One map of one subject, made of a recording by a recipe.
public struct SubjectMap: Hashable, Sendable {
  /// The word.
  public let subject: Subject
  /// Where the cells stand.
  public let grid: Grid
  /// `[row, column]` mean attention probabilities, in 0…1.
  public let values: [Float]
  /// How it was made; its layers and steps are those that were found.
  public let recipe: Recipe
  /// Sites that were averaged.
  public let layers: [AttentionSite]
  /// How many calls were averaged.
  public let calls: Int

  /// The largest value; NaN if any is.
  public var largest: Float { Self.largest(of: values) }

  fileprivate static func largest(of values: [Float]) -> Float {
    values.reduce(-.infinity) { $1 > $0 || $1.isNaN ? $1 : $0 }
  }
}

extension RecordedRun {
  /// Maps of `subjects` by `recipe`: the mean over heads and layers of each call, then over calls.
  ///
  /// A word of several pieces is the mean of its pieces' maps. Calls that were not recorded are
  /// passed over; at least one must be there.
  /// - Throws: ``AnalysisError`` when nothing fits, `TraceError` when the store is damaged.
  public func maps(of subjects: [Subject], by recipe: Recipe) throws -> [SubjectMap] {
    let sites = try sites(for: recipe)
    var sums = [[Double]](
      repeating: [Double](repeating: 0, count: sites[0].site.grid.pixels), count: subjects.count)
    var count = 0
    for call in calls where recipe.takes(call) {
      guard let means = try means(of: subjects, sites, call: call.call) else { continue }
      count += 1
      for (index, map) in means.enumerated() {
        for (pixel, value) in map.enumerated() { sums[index][pixel] += Double(value) }
      }
    }
    guard count > 0 else {
      throw AnalysisError.nothingSelected(
        run: folder.path, what: recipe.description,
        recorded: "\(calls.count) calls under the plan of run.json")
    }
    return zip(subjects, sums).map { subject, sum in
      SubjectMap(
        subject: subject, grid: sites[0].site.grid, values: sum.map { Float($0 / Double(count)) },
        recipe: recipe, layers: sites.map(\.site), calls: count)
    }
  }

  /// The largest value of each subject's map in each call that `recipe` takes, by call.
  /// - Throws: as ``maps(of:by:)``.
  public func largest(
    of subjects: [Subject], by recipe: Recipe
  ) throws -> [(call: CallRecord, values: [Float])] {
    let sites = try sites(for: recipe)
    return try calls.filter(recipe.takes).compactMap { call in
      try means(of: subjects, sites, call: call.call).map { maps in
        (call, maps.map(SubjectMap.largest))
      }
    }
  }

  /// The recorded sites of a recipe: some, and all on one grid.
  private func sites(for recipe: Recipe) throws -> [RecordedSite] {
    let pattern = LayerPattern(recipe.layers)
    let chosen = sites.filter { $0.site.kind == .cross && pattern.matches($0.site) }
    let grids = Set(chosen.map(\.site.grid))
    guard grids.count == 1 else {
      let there = Set(sites.map(\.site.grid.description)).sorted().joined(separator: ", ")
      throw AnalysisError.nothingSelected(
        run: folder.path,
        what: grids.isEmpty
          ? "layers \(recipe.layers)" : "one grid: \(recipe.layers) means \(grids.count) of them",
        recorded: there.isEmpty ? "no layer" : "layers at \(there)")
    }
    return chosen
  }

  /// The mean over heads and layers of one call, `[subject][pixel]`; `nil` if it was not recorded.
  private func means(
    of subjects: [Subject], _ sites: [RecordedSite], call: Int
  ) throws -> [[Float]]? {
    let pixels = sites[0].site.grid.pixels
    var sums = [[Float]](repeating: [Float](repeating: 0, count: pixels), count: subjects.count)
    for site in sites {
      guard let maps = try self.maps(site.site.path, call: call) else { return nil }
      let columns = try subjects.map { try self.columns(of: $0, in: site) }
      maps.withSpan { values in
        for (index, columns) in columns.enumerated() {
          let weight = 1 / Float(columns.count * site.heads.count * sites.count)
          for row in 0..<site.heads.count * pixels {
            var sum: Float = 0
            for column in columns { sum += values[row * site.keys + column] }
            sums[index][row % pixels] += sum * weight
          }
        }
      }
    }
    return sums
  }

  /// Where a subject's tokens stand among those that were recorded.
  private func columns(of subject: Subject, in site: RecordedSite) throws -> [Int] {
    let tokens = site.tokens ?? []
    guard !subject.tokens.isEmpty else {
      throw AnalysisError.nothingSelected(
        run: folder.path, what: "subject \(subject.name), which has no token",
        recorded: "tokens \(tokens.map(String.init).joined(separator: ", "))")
    }
    return try subject.tokens.map { token in
      guard let column = tokens.firstIndex(of: token) else {
        throw AnalysisError.nothingSelected(
          run: folder.path, what: "token \(token) (\(subject.name))",
          recorded: "tokens \(tokens.map(String.init).joined(separator: ", "))")
      }
      return column
    }
  }
}
