internal import AttentionAnalysis
internal import AttentionTrace
internal import Drawing
internal import Pictures
internal import PromptText

/// What was found in the runs, each map under its facets.
struct MapGathering {
  typealias Facet = MapSheetPlan.Facet

  /// A map, and what it is of.
  struct Found {
    var values: [Facet: String]
    var run: Int
    /// The picture below it, among those of all runs.
    var picture: Int
    var map: AttentionMap
    /// The side of the difference that ``map`` is; `nil` for a map.
    var side: MapPanel.Side?
  }

  let plan: MapSheetPlan
  let recipe: Recipe
  let weights: [String: HeadWeights]
  /// Whether each step is a frame, though neither rows nor columns are by step.
  let isAnimated: Bool
  /// Of the first run.
  let manifest: RunManifest
  private(set) var found: [Found] = []
  /// The runs' pictures, and those of frames that are shown; `nil` for one that was not recorded.
  private(set) var images: [Picture?] = []
  /// `[run]` its picture, or a white one of its shape where it has none.
  private var backgrounds: [Picture] = []
  /// `[run]` the boxes of its method, and those of a detector in its picture.
  private var boxes: [[PictureBox]] = []
  /// `[run]` where its picture is among ``images``.
  private var firstImages: [Int] = []
  private let detections: RunDetections?
  /// Whether pictures are those that steps predicted.
  private(set) var showsPredictions = false
  /// The values of each facet in the order of the sheet.
  private(set) var order: [Facet: [String]] = [:]
  private var labels: [Facet: [String: String]] = [:]
  private var tokens: [String: String] = [:]
  /// What the maps of each run measure.
  private var quantities: [(method: String, quantity: String)] = []
  /// By which recipes, each once.
  private var recipes: [String] = []
  /// The method that others are compared with, and what it is called.
  private let baseline: (name: String, title: String)

  init(
    _ runs: [RecordedRun], plan: MapSheetPlan, weights: [String: HeadWeights],
    isAnimated: Bool = false, detections: RunDetections? = nil
  ) throws {
    guard let first = runs.first else { throw FigureError.inconsistentSheet("no run to show") }
    guard plan.facets.contains(.knob) != plan.knob.isEmpty else {
      throw FigureError.inconsistentSheet(
        plan.knob.isEmpty
          ? "rows or columns by knob need the name of a knob, as in scale-factor"
          : "neither rows nor columns are by knob, which would show the values of \(plan.knob)")
    }
    let knob = plan.knob.isEmpty ? nil : plan.knob
    for run in runs.dropFirst() { try first.requireComparable(with: run, knob: knob) }
    self.plan = plan
    recipe =
      plan.recipe.isEmpty ? Recipe(layers: Recipe.lossGrid) : try Recipe(parsing: plan.recipe)
    self.weights = weights
    (self.isAnimated, self.detections) = (isAnimated, detections)
    manifest = first.manifest
    let name = NeglectComparison.baseline(of: runs.map(\.manifest))
    baseline = (
      name,
      runs.first { $0.manifest.method.name == name }?.manifest.method.figureTitle
        ?? RunManifest.Method.plainTitle
    )
    for run in runs { try add(run, beside: first) }
    try checkPlaces()
    if plan.showsDifferences { try subtractPlain(runs) }
    try checkFacets()
  }

  /// What is written for each facet of which all maps have the same value.
  var common: [Facet: String] {
    order.compactMapValues { $0.count == 1 ? $0[0] : nil }.reduce(into: [:]) { common, value in
      common[value.key] = labels[value.key]?[value.value]
    }
  }

  /// What is subtracted from what, as in `Attend-and-Excite − Stable Diffusion`.
  var difference: String {
    let methods = order[.method] ?? []
    let guided = methods.count == 1 ? labels[.method]?[methods[0]] : nil
    return "\(guided ?? "each method") − \(baseline.title)"
  }

  /// What the method that others are compared with is called.
  var baselineTitle: String { baseline.title }

  /// What the maps measure; of methods whose maps do not measure the same, of each.
  var quantity: String { MapQuantity.text(of: quantities) }

  /// The recipes, which differ where methods have other layers.
  var usedRecipe: String { recipes.joined(separator: "; ") }

  /// The steps, each as it is among the values of its facet.
  var frames: [String] { ordered(.step) }

  /// What tells maps apart: rows, columns, and the frames of an animation.
  private var facets: [Facet] { plan.facets + (isAnimated ? [.step] : []) }

  private mutating func add(_ run: RecordedRun, beside first: RecordedRun) throws {
    let place = boxes.count
    let firstImage = images.count
    let picture = try run.picture()
    images.append(picture)
    backgrounds.append(picture ?? run.blankPicture)
    boxes.append(PictureBox.boxes(of: run, detections))
    firstImages.append(firstImage)
    let words = try self.words(of: run)
    // Refuses tokens by their index, which are others in each text.
    _ = try run.subjects(like: words, of: first, by: recipe)
    let names = LayerNames(run.sites)
    let kept = Set(
      facets.compactMap { facet -> Recipe.Axis? in
        switch facet {
        case .layer: .layer
        case .head: .head
        case .step: .step
        case .frame: .frame
        default: nil
        }
      })
    var recipe = recipe
    if kept.contains(.step) { recipe = recipe.taking(steps: try steps(of: run)) }
    let frames = kept.contains(.frame) ? self.frames(of: run, by: recipe) : []
    let pictures = try frames.map { try run.picture(ofFrame: $0, of: run.frames) }
    images += pictures
    // In an animation maps lie over the picture that their step predicted, where the run kept every one.
    let shownSteps = isAnimated ? try steps(of: run) : []
    var previews = try run.previews(ofSteps: shownSteps)
    if previews.count < shownSteps.count { previews = [:] }
    let predicted = Dictionary(
      uniqueKeysWithValues: previews.keys.sorted().enumerated().map { ($1, images.count + $0) })
    images += previews.sorted { $0.key < $1.key }.map(\.value)
    showsPredictions = showsPredictions || !previews.isEmpty
    let tokens = Set(words.flatMap(\.tokens)).sorted()
    var quantity = ""
    // Of all layers, which may differ in their heads.
    var layers: [AttentionSite] = []
    try run.forEachSlice(tokens: tokens, by: recipe, keeping: kept, weights: weights) { slice in
      var picture = firstImage
      if let frame = slice.frame {
        guard let shown = frames.firstIndex(of: frame) else { return }
        picture += 1 + shown
      } else if let step = slice.call?.step, let place = predicted[step] {
        picture = place
      }
      for word in words {
        add(
          word, slice, of: run, at: place, picture: picture, names: names,
          try slice.maps.map(of: word))
      }
      let maps = slice.maps
      layers += maps.layers.filter { !layers.contains($0) }
      quantity =
        MapQuantity(
          maps.recipe, layers: layers, grid: maps.grid, calls: maps.calls, apart: kept
        ).description
    }
    if let beyond = frames.first(where: { $0 >= run.frames }) {
      throw AnalysisError.nothingSelected(
        run: run.folder.path, what: "frame \(beyond)", recorded: "frames 0..\(run.frames - 1)")
    }
    quantities.append((run.manifest.method.figureTitle, quantity))
    let used = recipe.resolved(for: run).description
    if !recipes.contains(used) { recipes.append(used) }
  }

  /// The frames of a run that are shown, ascending.
  private func frames(of run: RecordedRun, by recipe: Recipe) -> [Int] {
    if !plan.frames.isEmpty { return plan.frames }
    return Self.spread(recipe.frames ?? Array(0..<run.frames))
  }

  /// At most eight of them, from the first to the last.
  private static func spread(_ indices: [Int]) -> [Int] {
    guard indices.count > 8 else { return indices }
    return (0..<8).map { indices[Int((Double($0 * (indices.count - 1)) / 7).rounded())] }
  }

  private mutating func add(
    _ word: Subject, _ slice: MapSlice, of run: RecordedRun, at place: Int, picture: Int,
    names: LayerNames, _ map: AttentionMap
  ) {
    var values: [Facet: String] = [:]
    func tell(_ facet: Facet, _ value: String, _ label: String) {
      values[facet] = value
      if !order[facet, default: []].contains(value) { order[facet, default: []].append(value) }
      labels[facet, default: [:]][value] = label
    }
    let method = run.manifest.method
    // The values of a knob are not methods of their own where they are set apart as values.
    if plan.knob.isEmpty {
      tell(.method, method.name, method.figureTitle)
    } else {
      tell(.method, method.family, method.familyTitle)
    }
    if !plan.knob.isEmpty {
      let value = run.manifest.value(ofKnob: plan.knob) ?? "without"
      tell(.knob, value, "\(plan.knob) \(value)")
    }
    tell(.seed, "\(run.manifest.seed)", "seed \(run.manifest.seed)")
    tell(.word, word.name, word.name)
    // Where runs have the word at other tokens, none is told.
    let own = CompareSheet.tokens(word)
    tokens[word.name] = tokens[word.name, default: own] == own ? own : ""
    if let layer = slice.layer { tell(.layer, layer.site.path, names[layer.site.path]) }
    if let head = slice.head { tell(.head, "\(head)", "head \(head)") }
    if let frame = slice.frame { tell(.frame, "\(frame)", "frame \(frame)") }
    if let call = slice.call { tell(.step, "\(call.step)", "step \(call.step)") }
    found.append(Found(values: values, run: place, picture: picture, map: map))
  }

  /// The words shown, of which the run's subjects are the default.
  private func words(of run: RecordedRun) throws -> [Subject] {
    if plan.showsAllTokens {
      let subjects = try run.wordTable(by: recipe).shownSubjects
      try run.check(subjects, by: recipe)
      return subjects
    }
    let named = plan.words.isEmpty ? recipe.tokens : try plan.words.map { try WordReference($0) }
    let subjects = run.manifest.subjects
    let isOfPrompt = recipe.branches == [.conditional]
    let words =
      named.isEmpty
      ? try run.subjects(subjects, by: recipe)
      : try named.map { word in
        let known = isOfPrompt ? subjects.first { $0.name == word.description } : nil
        return try known ?? run.subjects([word], by: recipe)[0]
      }
    guard !words.isEmpty else {
      throw FigureError.inconsistentSheet("no word to show: the run has no subjects; name some")
    }
    return words
  }

  private func steps(of run: RecordedRun) throws -> [Int] {
    if !plan.steps.isEmpty { return plan.steps }
    if let steps = recipe.steps { return steps }
    let recorded = Set(run.noisePredictions.map(\.step)).sorted()
    return isAnimated ? recorded : Self.spread(recorded)
  }

  /// Every facet that has several values must be one of the plan's, and each place have one map.
  private func checkFacets() throws {
    guard Set(plan.facets).count == plan.facets.count, !plan.rows.isEmpty, !plan.columns.isEmpty
    else {
      throw FigureError.inconsistentSheet(
        "expected at least one facet in rows and one in columns, each given once")
    }
    for facet in Facet.allCases where !facets.contains(facet) {
      let values = order[facet] ?? []
      guard values.count <= 1 else {
        throw FigureError.inconsistentSheet(
          "\(values.count) values of \(facet.rawValue) (\(values.prefix(4).joined(separator: ", "))"
            + (values.count > 4 ? ", …" : "")
            + "), and neither rows nor columns are by \(facet.rawValue)")
      }
    }
  }

  /// No two runs may be of the same method and seed.
  private func checkPlaces() throws {
    var places: Set<[Facet: String]> = []
    for found in found where !places.insert(found.values).inserted {
      let place = [Facet.method, .seed].map { labels[$0]?[found.values[$0] ?? ""] ?? "" }
      throw FigureError.inconsistentSheet("two runs of \(place.joined(separator: ", "))")
    }
  }

  /// Subtracts from each map that of the method without guidance on the same seed: what is less belongs to
  /// the plain run and its picture, what is more to the guided one.
  private mutating func subtractPlain(_ runs: [RecordedRun]) throws {
    let plainMethod = baseline.name
    let plain = Dictionary(
      found.filter { $0.values[.method] == plainMethod }.map { ($0.values, $0) },
      uniquingKeysWith: { first, _ in first })
    found = try found.filter { $0.values[.method] != plainMethod }.flatMap { excited in
      var values = excited.values
      values[.method] = plainMethod
      guard let plain = plain[values] else {
        throw FigureError.inconsistentSheet(
          "seed \(values[.seed] ?? "") has no run of \(baseline.title) to compare with"
        )
      }
      guard let map = excited.map.difference(from: plain.map) else {
        throw AnalysisError.otherGrids(
          runs[plain.run].name, plain.map.grid, runs[excited.run].name, excited.map.grid)
      }
      var (loss, gain) = (excited, excited)
      (loss.map, loss.side, loss.run, loss.picture) = (map, .loss, plain.run, plain.picture)
      (gain.map, gain.side) = (map, .gain)
      return [loss, gain]
    }
    order[.method]?.removeAll { $0 == plainMethod }
    guard !found.isEmpty else {
      throw FigureError.inconsistentSheet("no guided run to compare with \(baseline.title)")
    }
  }

  /// Every combination of the facets' values that a map was found for, in order.
  func headings(_ facets: [Facet]) -> [MapSheet.Heading] {
    var seen: Set<[String]> = []
    for found in found { seen.insert(facets.map { found.values[$0] ?? "" }) }
    let rank = facets.map { facet in
      Dictionary(uniqueKeysWithValues: ordered(facet).enumerated().map { ($1, $0) })
    }
    return seen.sorted { one, other in
      for (place, ranks) in rank.enumerated() where one[place] != other[place] {
        return ranks[one[place], default: 0] < ranks[other[place], default: 0]
      }
      return false
    }.map { values in
      MapSheet.Heading(
        facets: facets, values: values,
        labels: zip(facets, values).map { labels[$0]?[$1] ?? $1 },
        detail: facets.last == .word ? tokens[values.last ?? ""] ?? "" : "")
    }
  }

  /// Seeds, steps and heads by number, plain Stable Diffusion first, all else as it was found.
  private func ordered(_ facet: Facet) -> [String] {
    let values = order[facet] ?? []
    switch facet {
    case .seed, .step, .head, .frame:
      return values.sorted { (UInt64($0) ?? 0) < (UInt64($1) ?? 0) }
    case .knob:
      // Numbers by size; a method that has no such knob, as plain Stable Diffusion, first.
      return values.sorted { (Double($0) ?? -.infinity) < (Double($1) ?? -.infinity) }
    case .method:
      return values.filter { $0 == baseline.name } + values.filter { $0 != baseline.name }
    case .word, .layer: return values
    }
  }

  /// The panels, with a column of pictures before each run's maps where the plan wants them.
  ///
  /// Differences have two columns for each that the plan names: what was lost, with the plain run's picture,
  /// and what was gained, with the guided run's.
  func places(
    _ rows: [MapSheet.Heading], _ columns: [MapSheet.Heading], frame: String?
  ) -> MapPlaces {
    var index: [MapPanel.Side?: [[String]: Found]] = [:]
    for found in found where frame == nil || found.values[.step] == frame {
      index[found.side, default: [:]][plan.facets.map { found.values[$0] ?? "" }] = found
    }
    var places = MapPlaces(rows: rows.count)
    for group in groups(columns) {
      for side in plan.showsDifferences ? [MapPanel.Side.loss, .gain] : [nil] {
        for (place, column) in group.enumerated() {
          let cells = rows.map { index[side]?[$0.values + column.values] }
          let heading = side.map { self.heading(column, of: $0) } ?? column
          if plan.showsPictures && place == 0 {
            places.addPictures(
              heading, of: cells.map { $0.map { (images[$0.picture], shownBoxes($0)) } })
          }
          places.addMaps(
            heading,
            cells.map { cell in
              cell.map { cell in
                MapPlaces.Place(
                  panel: cell.side.map { .difference(cell.map, isGain: $0 == .gain) }
                    ?? .map(cell.map),
                  picture: images[cell.picture] ?? backgrounds[cell.run],
                  boxes: shownBoxes(cell).filter { $0.word == cell.values[.word] })
              }
            })
        }
      }
    }
    return places
  }

  /// The boxes in the picture below a map; a detector saw none of the frames of a video.
  private func shownBoxes(_ found: Found) -> [PictureBox] {
    let all = boxes[found.run]
    return found.picture == firstImages[found.run] ? all : all.filter { $0.finding == nil }
  }

  /// Neighbouring columns of the same run.
  private func groups(_ columns: [MapSheet.Heading]) -> [[MapSheet.Heading]] {
    func run(_ column: MapSheet.Heading) -> [String] {
      zip(column.facets, column.values).filter { [.method, .seed].contains($0.0) }.map(\.1)
    }
    return columns.reduce(into: []) { groups, column in
      if let last = groups.last?.last, run(last) == run(column) {
        groups[groups.count - 1].append(column)
      } else {
        groups.append([column])
      }
    }
  }

  /// The heading of one side of a column of differences: the side stands below the run, over its words.
  private func heading(
    _ column: MapSheet.Heading, of side: MapPanel.Side
  ) -> MapSheet.Heading {
    let own = column.facets.firstIndex(of: .method).map { column.labels[$0] }
    let label =
      switch side {
      case .loss: "\(baseline.title): attention lost"
      case .gain: "\(own ?? common[.method] ?? "guided"): attention gained"
      }
    let place =
      (column.facets.lastIndex { [.method, .seed, .knob].contains($0) } ?? -1) + 1
    var heading = column
    heading.facets.insert(nil, at: place)
    heading.values.insert(side.rawValue, at: place)
    heading.labels.insert(label, at: place)
    return heading
  }
}
