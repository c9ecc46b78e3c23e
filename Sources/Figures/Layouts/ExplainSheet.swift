package import AttentionAnalysis
package import AttentionTrace
package import Drawing
package import Pictures
internal import PromptText

/// A photo, and where each word of a prompt attends to in it: a row for each time, on one shared scale.
package struct ExplainSheet: Sendable {
  /// The maps at one time.
  package struct Row: Sendable {
    /// The training time, as in `t = 500`.
    let name: String
    /// `[subject]` the aggregated maps.
    let maps: [AttentionMap]

    package init(name: String, maps: [AttentionMap]) { (self.name, self.maps) = (name, maps) }
  }

  /// The rows under one noise.
  package struct Block: Sendable {
    let seed: UInt64
    let rows: [Row]

    package init(seed: UInt64, rows: [Row]) { (self.seed, self.rows) = (seed, rows) }
  }

  let prompt: String
  /// The photo as the model was shown it.
  let photo: Picture
  let subjects: [CompareSheet.Subject]
  let blocks: [Block]
  /// What the maps' colours measure.
  let quantity: String
  let metadata: Scene.Metadata
  /// Those of a detector.
  private(set) var boxes: [PictureBox] = []

  package init(
    prompt: String, photo: Picture, subjects: [CompareSheet.Subject], blocks: [Block],
    quantity: String, metadata: Scene.Metadata
  ) {
    (self.prompt, self.photo, self.subjects) = (prompt, photo, subjects)
    (self.blocks, self.quantity, self.metadata) = (blocks, quantity, metadata)
  }

  /// Whether `runs` are explanations, all of them.
  package static func shows(_ runs: [RecordedRun]) -> Bool {
    !runs.isEmpty && runs.allSatisfy { $0.manifest.method.name == "explain" }
  }

  /// A sheet of recorded explanations of one photo by one prompt.
  ///
  /// - Parameters:
  ///   - runs: one for each seed, in any order.
  ///   - recipe: how maps are made, its steps the times shown; `nil` for every time at the
  ///     objective's grid.
  ///   - detections: whose boxes are drawn; `nil` for none.
  ///   - software: the program that draws the sheet, with its version.
  /// - Throws: `AnalysisError` when the runs differ in more than their seeds or lack what the recipe
  ///   asks for, `TraceError` and ``FigureError`` when a file is damaged.
  package init(
    runs: [RecordedRun], recipe: Recipe? = nil, detections: RunDetections? = nil, software: String
  ) throws {
    let runs = runs.sorted { $0.manifest.seed < $1.manifest.seed }
    guard let first = runs.first else {
      throw FigureError.inconsistentSheet("no run to show")
    }
    let manifest = first.manifest
    for run in runs.dropFirst() {
      if let what = Self.difference(run.manifest, manifest) {
        throw AnalysisError.notComparable(
          first: first.folder.path, second: run.folder.path, what: what)
      }
    }
    guard !manifest.subjects.isEmpty else {
      throw FigureError.inconsistentSheet("no subject to show: the runs have none")
    }
    let recipe = recipe ?? Recipe(layers: manifest.method.grid.description)
    let steps = manifest.timesteps.indices.filter { recipe.steps?.contains($0) ?? true }
    guard !steps.isEmpty else {
      throw AnalysisError.nothingSelected(
        run: first.folder.path, what: recipe.description,
        recorded: "steps 0..\(manifest.timesteps.count - 1)")
    }
    var quantity = ""
    blocks = try runs.map { run in
      Block(
        seed: run.manifest.seed,
        rows: try steps.map { step in
          var recipe = recipe
          recipe = recipe.taking(steps: [step])
          let maps = try run.maps(of: manifest.subjects, by: recipe)
          quantity = CompareSheet.quantity(maps[0])
          return Row(
            name: "t = \(NumberText.plain(manifest.timesteps[step]))",
            maps: maps.map(\.map))
        })
    }
    prompt = manifest.tokens.prompt
    photo = try Picture.read(first.folder.image, within: first.folder.path)
    subjects = manifest.subjects.map {
      CompareSheet.Subject(name: $0.name, tokens: CompareSheet.tokens($0))
    }
    self.quantity = quantity
    metadata = Scene.Metadata(
      of: manifest, software: software,
      manifest: [
        "layout": "explain", "photo": .text(manifest.picture?.sha256 ?? ""),
        "recipe": .text(recipe.description), "seeds": .integers(runs.map(\.manifest.seed)),
      ])
    boxes = PictureBox.boxes(of: first, detections)
  }

  private static func difference(_ one: RunManifest, _ other: RunManifest) -> String? {
    if one.seed == other.seed { return "their seeds are the same" }
    if one.picture != other.picture { return "their photos differ" }
    if one.timesteps != other.timesteps { return "their timesteps differ" }
    return one.incomparability(with: other)
  }

  /// All maps, block by block.
  var maps: [AttentionMap] { blocks.flatMap { $0.rows.flatMap(\.maps) } }
}
