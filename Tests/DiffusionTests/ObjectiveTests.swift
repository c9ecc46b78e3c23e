import AttentionTrace
import Diffusion
import Foundation
import PromptText
import TensorEngine
import TestSupport
import Testing

@Suite("Objectives over attention")
struct ObjectiveTests {
  /// An objective, and what it is given.
  struct Case: Sendable, CustomTestStringConvertible {
    /// As in `goldens.json`.
    let name: String
    let objective: any AttentionObjective
    var fine = false
    var selfAttention = false
    var step = 0
    var remembers = false
    /// Whether the maps have no two equal numbers, between which a minimum has no slope.
    var uneven = false
    /// Whether the maps have numbers below float32's epsilon times their sum.
    var sharp = false
    /// Whether the published code takes parts of the loss for constants that are none, so that slopes are
    /// not what differences give.
    var hasConstants = false
    /// Whether a hundred times the maps are the scores that the objective reads.
    var scored = false
    var loss: @Sendable (ObjectiveValue) -> Tensor = { $0.loss }
    var testDescription: String { name }

    func maps(_ inputs: [Tensor]) -> PassMaps {
      var sites = [ObjectiveMaps.site(.cross, 16)]
      if fine { sites += [32, 64].map { ObjectiveMaps.site(.cross, $0) } }
      if selfAttention { sites.append(ObjectiveMaps.site(.`self`, 16)) }
      let before = PassMaps(
        sites: sites, probabilities: [ObjectiveMaps.moved] + inputs.dropFirst(), step: 0)
      return PassMaps(
        sites: sites, probabilities: inputs,
        scores: scored ? inputs.map { $0.affine(scale: 100) } : [], step: step,
        memory: remembers ? objective.remembered(of: before) : [:])
    }

    var inputs: [Tensor] {
      [
        uneven
          ? ObjectiveMaps.uneven : sharp ? ObjectiveMaps.sharp : ObjectiveMaps.cross(16)
      ]
        + (fine ? [32, 64].map(ObjectiveMaps.cross) : [])
        + (selfAttention ? [ObjectiveMaps.selfAttention] : [])
    }
  }

  private static func word(_ token: Int) -> Subject { Subject(name: "@\(token)", tokens: [token]) }
  private static let reading = MapReading(grid: Grid(rows: 16, columns: 16), lastToken: 76)
  private static let pair = [word(2), word(5)]
  private static let groups = [
    WordGroup(noun: word(3), modifiers: [word(2)]), WordGroup(noun: word(7), modifiers: [word(6)]),
  ]
  private static let three = groups + [WordGroup(noun: word(5))]
  private static let content = Array(1...7)

  private static func conform(
    _ groups: [[Int]], _ form: ObjectiveForm = .paper, renormalises: Bool = false
  ) -> Conform.Loss {
    Conform.Loss(
      subjects: pair, groups: groups.map { $0.map(word) }, form: form, renormalises: renormalises,
      reading: reading)
  }

  private static let boxes: [LayoutBox] = {
    // A box that is refused leaves the list short, and every test of it fails.
    [
      try? LayoutBox(word(2), left: 0, top: 0.5, right: 0.25, bottom: 0.875),
      try? LayoutBox(word(5), left: 0.25, top: 0.375, right: 0.625, bottom: 0.75),
    ].compactMap(\.self)
  }()

  private static func boxDiff(_ form: ObjectiveForm = .paper) -> BoxDiff.Loss {
    BoxDiff.Loss(subjects: pair, boxes: boxes, form: form, reading: reading)
  }

  private static func syngen(_ form: ObjectiveForm) -> SynGen.Loss {
    SynGen.Loss(subjects: pair, groups: groups, content: content, form: form, reading: reading)
  }

  private static let aStar = AStar.Loss(subjects: pair, reading: reading)
  private static let code = DivideAndBind.CodeLoss(subjects: pair, groups: groups, reading: reading)
  private static let noise = noise(.paper)

  private static func noise(_ form: ObjectiveForm) -> InitNO.Loss {
    InitNO.Loss(
      subjects: pair, form: form, reading: MapReading(grid: reading.grid, lastToken: 6))
  }

  private static func selfCross(_ form: ObjectiveForm, alone: Bool = false) -> SelfCross.Loss {
    SelfCross.Loss(
      subjects: pair, form: form, isConflictAlone: alone,
      reading: MapReading(grid: reading.grid, lastToken: 6))
  }

  private static func storm(_ form: Storm.Form) -> Storm.Loss {
    Storm.Loss(
      subjects: pair, attributes: [(pair[0], word(3)), (pair[1], word(6))], direction: .left,
      form: form, reading: reading)
  }

  private static func directional(_ direction: DirectionalOverlap.Direction) -> DirectionalOverlap {
    DirectionalOverlap(pair[0], pair[1], direction, reading: reading)
  }

  private static func predicated(_ form: ObjectiveForm) -> PredicatedDiffusion.Loss {
    PredicatedDiffusion.Loss(
      subjects: pair, propositions: PredicatedDiffusion.propositions(of: groups), form: form,
      reading: reading)
  }

  static let cases: [Case] =
    [
      Case(
        name: "syngen",
        objective: SynGen.Loss(subjects: pair, groups: groups, content: content, reading: reading)),
      Case(name: "syngen, sharp", objective: syngen(.paper), sharp: true),
      Case(name: "syngen, sharp, code", objective: syngen(.code), sharp: true),
      Case(
        name: "syngen with a bare noun",
        objective: SynGen.Loss(subjects: pair, groups: three, content: content, reading: reading)),
      Case(
        name: "ebama",
        objective: EBAMA.Loss(subjects: pair, groups: three, content: content, reading: reading)),
      Case(
        name: "divide-and-bind, paper",
        objective: DivideAndBind.Loss(subjects: pair, groups: groups, reading: reading)),
      Case(name: "conform, raw", objective: conform([[2, 3], [6, 7]])),
      Case(
        name: "conform, renormalised", objective: conform([[2, 3], [6, 7]], renormalises: true)),
      Case(
        name: "conform, raw, second step", objective: conform([[2, 3], [6, 7]]), step: 1,
        remembers: true),
      Case(name: "conform, single words", objective: conform([[2], [5]])),
      Case(
        name: "conform, single words, second step", objective: conform([[2], [5]]), step: 1,
        remembers: true),
      Case(
        name: "conform, single words, code, second step", objective: conform([[2], [5]], .code),
        step: 1, remembers: true),
      Case(name: "a-star, first step", objective: aStar, uneven: true),
      Case(name: "a-star, second step", objective: aStar, step: 1, remembers: true, uneven: true),
      Case(name: "box-diff", objective: boxDiff()),
      Case(name: "box-diff, refinement", objective: boxDiff(), loss: { $0.refinement }),
      Case(
        name: "box-diff, after refinement, code", objective: boxDiff(.code),
        loss: { $0.afterRefinement }),
      Case(name: "predicated, paper", objective: predicated(.paper)),
      Case(name: "predicated, code", objective: predicated(.code)),
      Case(
        name: "initno, search", objective: noise, selfAttention: true, loss: { $0.refinement }),
      Case(
        name: "initno, refinement, second step", objective: noise, selfAttention: true, step: 1,
        remembers: true, loss: { $0.refinement }),
      Case(
        name: "initno, refinement, second step, code", objective: noise(.code),
        selfAttention: true, step: 1, remembers: true, hasConstants: true,
        loss: { $0.refinement }),
      Case(
        name: "focus",
        objective: Focus.Loss(
          subjects: pair, groups: groups.map(\.words), reading: reading)),
      Case(
        name: "jedi",
        objective: Jedi.Loss(subjects: pair, groups: groups.map(\.words), reading: reading),
        scored: true),
      Case(name: "left, step 0", objective: directional(.left)),
      Case(name: "right, step 3", objective: directional(.right), step: 3),
      Case(name: "above, step 3", objective: directional(.above), step: 3),
      Case(name: "below, step 10", objective: directional(.below), step: 10),
      Case(name: "storm, step 8", objective: storm(.closed), step: 8),
      Case(name: "storm, sinkhorn, step 1", objective: storm(.sinkhorn), step: 1),
      Case(name: "storm, sinkhorn, step 8", objective: storm(.sinkhorn), step: 8),
    ]
    + [ObjectiveForm.paper, .code].flatMap { form -> [Case] in
      let code = form == .code ? ", code" : ""
      return [
        Case(
          name: "self-cross" + code, objective: selfCross(form), selfAttention: true,
          hasConstants: true),
        Case(
          name: "self-cross, conflict" + code, objective: selfCross(form, alone: true),
          selfAttention: true, hasConstants: true),
        Case(
          name: "self-cross, refinement, second step" + code, objective: selfCross(form),
          selfAttention: true, step: 1, remembers: true, hasConstants: true,
          loss: { $0.refinement }),
      ]
    }
    + [0, 10, 20].map {
      Case(name: "divide-and-bind, code, step \($0)", objective: code, fine: true, step: $0)
    }
    + zip(
      AttentionOverlap.Measure.allCases,
      ["overlap", "centre-distance", "divergence", "compactness"]
    ).map {
      Case(
        name: $1, objective: AttentionOverlap.Loss(subjects: pair, measure: $0, reading: reading),
        uneven: $0 == .intersectionOverUnion || $0 == .compactness)
    }

  struct Golden: Decodable {
    struct Gradient: Decodable {
      let magnitude: Double
      let weighted: Double
      let largest: [[Double]]
    }
    let loss: Double
    let gradients: [Gradient]
  }

  private static func goldens() throws -> [String: Golden] {
    let url = try #require(
      Bundle.module.url(
        forResource: "goldens", withExtension: "json", subdirectory: "Fixtures/objectives"))
    return try JSONDecoder().decode([String: Golden].self, from: Data(contentsOf: url))
  }

  @Test("Every golden has a case, and every case a golden")
  func coverage() throws {
    let goldens = try Self.goldens()
    #expect(Set(goldens.keys) == Set(Self.cases.map(\.name)))
  }

  /// The loss, and its gradient with respect to each input.
  private func evaluated(_ test: Case) -> (loss: Double, gradients: [[Double]]) {
    var loss = 0.0
    let gradients = test.inputs.indices.map { index in
      let tape = Tape()
      var inputs = test.inputs
      inputs[index] = tape.variable(inputs[index])
      let value = test.loss(test.objective.evaluate(test.maps(inputs)))
      loss = Double(value.item)
      guard value.count == 1, !value.values[0].isNaN else { return [Double]() }
      return tape.gradient(of: value, withRespectTo: inputs[index]).values.map(Double.init)
    }
    return (loss, gradients)
  }

  @Test("Values and gradients on the synthetic maps are torch's in float64", arguments: cases)
  func golden(_ test: Case) throws {
    let golden = try #require(try Self.goldens()[test.name])
    let (loss, gradients) = evaluated(test)
    let scale = max(abs(golden.loss), 1)
    #expect(abs(loss - golden.loss) < 5e-6 * scale, "\(loss) for \(golden.loss)")
    #expect(gradients.count == golden.gradients.count)
    for (actual, expected) in zip(gradients, golden.gradients) {
      let magnitude = actual.reduce(0) { $0 + abs($1) }
      #expect(
        abs(magnitude - expected.magnitude) <= 1e-4 * expected.magnitude + 1e-7,
        "\(magnitude) for \(expected.magnitude)")
      let weighted = actual.enumerated().reduce(0) { $0 + $1.element * cos(Double($1.offset)) }
      #expect(
        abs(weighted - expected.weighted) <= 1e-4 * expected.magnitude + 1e-7,
        "\(weighted) for \(expected.weighted)")
      let top = expected.largest.first.map { abs($0[1]) } ?? 0
      for place in expected.largest {
        let value = actual[Int(place[0])]
        #expect(abs(value - place[1]) <= 2e-4 * top + 1e-7, "\(value) for \(place)")
      }
    }
  }

  @Test("The published values on the synthetic maps")
  func published() {
    let even = Self.cases[0].maps(Self.cases[0].inputs)
    func loss(_ name: String) -> Double {
      let objective = Self.cases.first { $0.name == name }?.objective
      return objective.map { Double($0.evaluate(even).loss.item) } ?? .nan
    }
    for (name, value) in [
      ("syngen", 0.16727314), ("conform, raw", 1.17255082), ("conform, renormalised", 1.13497346),
      ("a-star, first step", 0.27822788), ("box-diff", 2.37968580),
    ] {
      #expect(abs(loss(name) - value) < 5e-6, "\(name)")
    }
    let maps = Self.reading.read(
      PassMaps(sites: [ObjectiveMaps.site(.cross, 16)], probabilities: [ObjectiveMaps.cross(16)]))
    for (token, variation, mean) in [
      (2, 2.38290295, 0.00387399 + 0.00605477), (5, 3.22307941, 0.00635002 + 0.00707948),
    ] {
      let objective = DivideAndBind.Loss(
        subjects: Self.pair, groups: [WordGroup(noun: Self.word(token))], reading: Self.reading)
      let value = objective.evaluate(even)
      #expect(abs(Double(value.loss.item) + variation) < 5e-6)
      #expect(abs(Double(value.shortfall) - 1 + mean) < 1e-6)
    }
    for (token, horizontal, vertical) in [(2, 0.00387399, 0.01084424), (5, 0.00635002, 0.01298469)]
    {
      let value = DivideAndBind.CodeLoss(
        subjects: Self.pair, groups: [WordGroup(noun: Self.word(token))], reading: Self.reading
      ).evaluate(even)
      #expect(abs(Double(value.loss.item) + horizontal + vertical) < 1e-6)
    }
    for (form, token, value) in [
      (.paper, 2, 0.03814489), (.paper, 5, 0.02263639), (.code, 2, 0.436998552),
      (.code, 5, 0.422453782),
    ] as [(ObjectiveForm, Int, Double)] {
      let objective = PredicatedDiffusion.Loss(
        subjects: Self.pair, propositions: [.exists(Self.word(token))], form: form,
        reading: Self.reading)
      let loss = objective.evaluate(even).loss
      #expect(abs(Double(loss.item) - value) < 2e-6)
    }
    for (proposition, value) in [
      (.equivalent(Self.word(2), Self.word(3)), 0.27937146),
      (.excludes(Self.word(2), Self.word(7)), 0.00797349),
    ] as [(PredicatedDiffusion.Proposition, Double)] {
      let objective = PredicatedDiffusion.Loss(
        subjects: Self.pair, propositions: [proposition], form: .code, leakWeight: 1,
        reading: Self.reading)
      #expect(abs(Double(objective.evaluate(even).loss.item) - value) < 1e-6)
    }
    #expect(maps.scores(of: Self.pair).map { ($0 * 1e4).rounded() } == [1837, 1820])
  }

  @Test(
    "Slopes are what differences give, along random directions",
    arguments: cases.filter { !$0.hasConstants })
  func differences(_ test: Case) {
    let (_, gradients) = evaluated(test)
    for (index, gradient) in gradients.enumerated() {
      var random = SeededNumbers(seed: UInt64(index) + 3)
      // Along the gradient itself with some noise: a random direction alone has almost no slope.
      let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
      guard norm > 1e-6 else { continue }
      let input = test.inputs[index]
      let size = input.values.map(Double.init)
      let direction = gradient.indices.map { place in
        (gradient[place] / norm + 0.2 * random.normal() / Double(size.count).squareRoot())
          * min(size[place], 1e-3)
      }
      let slope = zip(direction, gradient).reduce(0) { $0 + $1.0 * $1.1 }
      func loss(_ h: Double) -> Double {
        var inputs = test.inputs
        inputs[index] = Tensor(
          zip(size, direction).map { Float($0 + h * $1) }, shape: input.shape)
        return Double(test.loss(test.objective.evaluate(test.maps(inputs))).item)
      }
      let h = 0.05
      let difference = (loss(-2 * h) - 8 * loss(-h) + 8 * loss(h) - loss(2 * h)) / (12 * h)
      let noise = 3e-6 * max(abs(loss(0)), 1)
      #expect(
        abs(difference - slope) < 0.03 * abs(slope) + noise / h,
        "input \(index): \(difference) for \(slope)")
    }
  }

  @Test(
    "Loss and gradient are finite on maps that are all zero, constant, or all in one cell",
    arguments: cases, ["zero", "constant", "one cell"])
  func degenerate(_ test: Case, _ kind: String) {
    func degenerate(_ input: Tensor) -> Tensor {
      let keys = input.shape[3]
      switch kind {
      case "zero": return .full(0, shape: input.shape)
      case "constant": return .full(1 / Float(keys), shape: input.shape)
      default:
        return Tensor(
          (0..<input.count).map { $0 / keys == 0 && $0 % keys == 2 ? 1 : 0 }, shape: input.shape)
      }
    }
    let inputs = test.inputs.map(degenerate)
    let tape = Tape()
    let variable = tape.variable(inputs[0])
    let value = test.objective.evaluate(test.maps([variable] + inputs.dropFirst()))
    #expect(value.loss.item.isFinite && value.refinement.item.isFinite)
    #expect(value.shortfall.isFinite)
    let gradient = tape.gradient(of: test.loss(value) + variable.sum, withRespectTo: variable)
    #expect(gradient.isFinite)
    let memory = test.objective.remembered(of: test.maps(inputs))
    #expect(memory.mapValues(\.shape) == test.objective.memoryShapes)
    let numbers = memory.values.flatMap(\.values) + value.scores
    #expect(numbers.count { !$0.isFinite } == 0)
  }

  /// Two tokens' maps: bumps whose centres are `distance` columns apart; the rest goes to token 0.
  private func bumps(_ distance: Int) -> PassMaps {
    var values: [Float] = []
    for pixel in 0..<256 {
      var row = [Float](repeating: 0, count: 77)
      for (token, column) in [(2, 2), (5, 2 + distance)] {
        let d =
          Float((pixel / 16 - 8) * (pixel / 16 - 8))
          + Float((pixel % 16 - column) * (pixel % 16 - column))
        row[token] = 0.4 * exp(-d / 4)
      }
      row[0] = 1 - row.reduce(0, +)
      values += row
    }
    return PassMaps(
      sites: [ObjectiveMaps.site(.cross, 16)],
      probabilities: [Tensor(values, shape: [1, 1, 256, 77])])
  }

  @Test(
    "The further apart two maps are, the lower every loss on overlap",
    arguments: AttentionOverlap.Measure.allCases)
  func apart(_ measure: AttentionOverlap.Measure) {
    let objective = AttentionOverlap.Loss(
      subjects: Self.pair, measure: measure, reading: Self.reading)
    let losses = [0, 1, 3, 6, 11].map { objective.evaluate(bumps($0)).loss.item }
    #expect(zip(losses, losses.dropFirst()).allSatisfy { $0 > $1 }, "\(losses)")
  }

  @Test("One map for both subjects overlaps wholly, two apart not at all")
  func extremes() {
    for (measure, same, apart) in [
      (.intersectionOverUnion, 1, 0), (.centreDistance, 1, 1 - 11 / 450.0.squareRoot()),
      (.compactness, 0.5, 0),
    ] as [(AttentionOverlap.Measure, Double, Double)] {
      let objective = AttentionOverlap.Loss(
        subjects: Self.pair, measure: measure, reading: Self.reading)
      #expect(abs(Double(objective.evaluate(bumps(0)).loss.item) - same) < 1e-4, "\(measure)")
      #expect(abs(Double(objective.evaluate(bumps(11)).loss.item) - apart) < 2e-2, "\(measure)")
    }
  }

  @Test("A-STAR keeps a subject where it was, or in the box that is given")
  func retention() throws {
    let here = bumps(6)
    let aStar = Self.aStar
    func loss(_ maps: PassMaps, after before: PassMaps) -> Float {
      aStar.evaluate(
        PassMaps(
          sites: maps.sites, probabilities: maps.probabilities, step: 1,
          memory: aStar.remembered(of: before))
      ).loss.item
    }
    #expect(loss(here, after: bumps(6)) < loss(here, after: bumps(11)))
    func boxed(_ left: Double) throws -> Float {
      AStar.Loss(
        subjects: Self.pair,
        boxes: try [
          LayoutBox(Self.pair[0], left: 0, top: 0.3, right: 0.3, bottom: 0.8),
          LayoutBox(Self.pair[1], left: left, top: 0.3, right: left + 0.3, bottom: 0.8),
        ], reading: Self.reading
      ).evaluate(here).loss.item
    }
    let (near, far) = (try boxed(0.4), try boxed(0.7))
    #expect(near < far)
  }

  @Test("BoxDiff is least with each subject in its box")
  func boxes() throws {
    func loss(_ left: Double) throws -> Float {
      BoxDiff.Loss(
        subjects: [Self.pair[0]],
        boxes: [try LayoutBox(Self.pair[0], left: left, top: 0.3, right: left + 0.3, bottom: 0.8)],
        reading: Self.reading
      ).evaluate(bumps(9)).loss.item
    }
    let losses = try [0, 0.3, 0.6].map(loss)
    #expect(losses[0] < losses[1] && losses[1] <= losses[2], "\(losses)")
  }

  @Test("Boxes beyond the picture, empty ones, and ones without a cell are refused")
  func refusedBoxes() throws {
    for (left, top, right, bottom) in [
      (0.5, 0, 0.4, 1), (0, 0.2, 1, 0.2), (-0.1, 0, 1, 1), (0, 0, 1.2, 1), (.nan, 0, 1, 1),
    ] as [(Double, Double, Double, Double)] {
      #expect(throws: DiffusionError.self) {
        try LayoutBox(Self.pair[0], left: left, top: top, right: right, bottom: bottom)
      }
    }
    let thin = try LayoutBox(Self.pair[0], left: 0.501, top: 0, right: 0.502, bottom: 1)
    for boxes in [[thin], [], Self.boxes.prefix(1) + Self.boxes.prefix(1)] {
      let objective = BoxDiff.Loss(
        subjects: [Self.pair[0]], boxes: Array(boxes), reading: Self.reading)
      #expect(throws: DiffusionError.self) {
        try objective.sites(among: [ObjectiveMaps.site(.cross, 16)])
      }
    }
  }

  @Test("An objective asks for the sites it reads, and says which are missing")
  func sites() throws {
    let cross = [16, 32, 64].map { ObjectiveMaps.site(.cross, $0) }
    let own = [16, 32].map { ObjectiveMaps.site(.`self`, $0) }
    #expect(try Self.aStar.sites(among: cross + own) == [cross[0]])
    #expect(try Self.code.sites(among: own + cross) == cross)
    let unmeasured = DivideAndBind.CodeLoss(
      subjects: [], groups: Self.groups, reading: Self.reading)
    #expect(try unmeasured.sites(among: own + cross) == cross)
    #expect(try Self.noise.sites(among: own + cross) == [cross[0], own[0]])
    #expect(
      throws: DiffusionError.noSites(
        kind: .cross, grid: Grid(rows: 64, columns: 64), available: cross.prefix(2).map(\.grid))
    ) { try Self.code.sites(among: Array(cross.prefix(2))) }
    #expect(
      throws: DiffusionError.noSites(
        kind: .`self`, grid: Grid(rows: 16, columns: 16), available: [own[1].grid])
    ) { try Self.noise.sites(among: cross + [own[1]]) }
  }

  @Test("What leaves an objective nothing to do is refused")
  func nothingToDo() {
    let site = [ObjectiveMaps.site(.cross, 16)]
    let bare = [WordGroup(noun: Self.word(3))]
    for objective in [
      SynGen.Loss(
        subjects: Self.pair, groups: bare, content: Self.content, readsBareNouns: false,
        reading: Self.reading),
      SynGen.Loss(subjects: Self.pair, groups: [], content: Self.content, reading: Self.reading),
      SynGen.Loss(subjects: Self.pair, groups: bare, content: [1, 2], reading: Self.reading),
      EBAMA.Loss(subjects: Self.pair, groups: [], content: Self.content, reading: Self.reading),
      DivideAndBind.Loss(subjects: Self.pair, groups: [], reading: Self.reading),
      Self.conform([[2, 3]]), Self.conform([]), Self.conform([[2, 3], [2, 7]]),
      AttentionOverlap.Loss(
        subjects: [Self.word(2)], measure: .divergence, reading: Self.reading),
      PredicatedDiffusion.Loss(
        subjects: [], propositions: [], reading: Self.reading),
    ] as [any AttentionObjective] {
      #expect(throws: DiffusionError.self) { try objective.sites(among: site) }
    }
  }

  @Test(
    "Groups of one word part in the first step, and in the code's form only once they have a past")
  func singleWords() {
    let maps = PassMaps(
      sites: [ObjectiveMaps.site(.cross, 16)], probabilities: [ObjectiveMaps.cross(16)])
    #expect(Self.conform([[2], [5]]).evaluate(maps).loss.item > 0.1)
    let code = Self.conform([[2], [5]], .code)
    #expect(code.evaluate(maps).loss.item == 0)
    // The first group alone decides nothing.
    let (paper, mixed) = (Self.conform([[2], [6, 7]]), Self.conform([[2], [6, 7]], .code))
    #expect(paper.evaluate(maps).loss.item == mixed.evaluate(maps).loss.item)
  }

  @Test("BoxDiff's update after refinement follows its whole loss, in the code's form L_IB alone")
  func afterRefinement() {
    let maps = PassMaps(
      sites: [ObjectiveMaps.site(.cross, 16)], probabilities: [ObjectiveMaps.cross(16)])
    let paper = Self.boxDiff().evaluate(maps)
    let code = Self.boxDiff(.code).evaluate(maps)
    #expect(paper.afterRefinement.item == paper.loss.item && code.loss.item == paper.loss.item)
    #expect(code.afterRefinement.item < paper.loss.item)
  }

  /// A pass in which the maps stand `columns` further right.
  private func pass(
    _ phase: Phase, _ columns: Int, _ memory: [String: Tensor], step: Int = 10
  ) -> PassMaps {
    PassMaps(
      sites: [ObjectiveMaps.site(.cross, 16), ObjectiveMaps.site(.`self`, 16)],
      probabilities: [
        ObjectiveMaps.cross(16, movedBy: columns), ObjectiveMaps.selfAttention,
      ], step: step, phase: phase, memory: memory)
  }

  @Test("CONFORM keeps the maps of the step's noise, in the code's form those of its last look")
  func lastLook() throws {
    func kept(_ form: ObjectiveForm, _ looks: [Int]) throws -> [Float] {
      let loss = Self.conform([[2, 3], [6, 7]], form)
      var memory: [String: Tensor] = [:]
      if loss.remembersLooks {
        for columns in looks { memory = loss.remembered(of: pass(.loss, columns, memory)) }
      }
      memory = loss.remembered(of: pass(.denoise, 3, memory))
      #expect(memory.mapValues(\.shape) == loss.memoryShapes)
      return try #require(memory["maps"]).values
    }
    #expect(try kept(.paper, [0, 1]) == kept(.paper, []))
    #expect(try kept(.code, [0, 3]) == kept(.paper, []))
    #expect(try kept(.code, [3, 0]) != kept(.paper, []))
  }

  @Test(
    "The running mean takes the step's noise, in the code's form every look, the first of a refinement twice, and none of the search",
    arguments: ["initno", "self-cross"])
  func runningMean(_ name: String) throws {
    func objective(_ form: ObjectiveForm) -> any AttentionObjective {
      name == "initno" ? Self.noise(form) : Self.selfCross(form)
    }
    func map(_ columns: Int) throws -> [Float] {
      try #require(objective(.paper).remembered(of: pass(.denoise, columns, [:]))["mean"]).values
    }
    func mean(_ form: ObjectiveForm, _ looks: [(Phase, Int)]) throws -> [Float] {
      let loss = objective(form)
      var memory: [String: Tensor] = [:]
      for (phase, columns) in looks where loss.remembersLooks || phase == .denoise {
        memory = loss.remembered(of: pass(phase, columns, memory))
      }
      #expect(memory.mapValues(\.shape) == loss.memoryShapes)
      return try #require(memory["mean"]).values
    }
    func expect(_ got: [Float], _ parts: [(Float, Int)]) throws {
      let maps = try parts.map { (share: $0.0, map: try map($0.1)) }
      let expected = got.indices.map { place in
        maps.reduce(Float(0)) { $0 + $1.share * $1.map[place] }
      }
      #expect(zip(got, expected).allSatisfy { abs($0 - $1) < 1e-6 })
    }
    let steps: [(Phase, Int)] = [(.loss, 0), (.denoise, 5), (.loss, 1), (.denoise, 6)]
    try expect(try mean(.paper, steps), [(0.9, 5), (0.1, 6)])
    try expect(try mean(.code, steps), [(0.9, 0), (0.1, 1)])
    let refined: [(Phase, Int)] = [
      (.loss, 0), (.denoise, 5), (.loss, 1), (.refinement, 2), (.loss, 3), (.denoise, 6),
    ]
    try expect(
      try mean(.code, refined),
      [(0.9 * 0.9 * 0.9 * 0.9, 0), (0.19 * 0.9 * 0.9, 1), (0.1 * 0.9, 2), (0.1, 3)])
    let search = pass(.refinement, 4, [:], step: 0)
    #expect(objective(.code).remembered(of: search).isEmpty)
  }

  @Test(
    "Self-Cross holds half of its conflict against its target, in the code's form the whole loss too"
  )
  func selfCrossTargets() {
    func value(_ form: ObjectiveForm, _ step: Int, _ phase: Phase) -> ObjectiveValue {
      Self.selfCross(form).evaluate(pass(phase, 0, [:], step: step))
    }
    let conflict = Self.selfCross(.paper, alone: true).evaluate(pass(.loss, 0, [:])).loss.item
    let halved = Self.selfCross(.code, alone: true).evaluate(pass(.loss, 0, [:])).loss.item
    let (paper, code) = (value(.paper, 10, .loss), value(.code, 10, .loss))
    let search = value(.code, 0, .refinement)
    // These maps' response is below ½, so that the conflict is part of the loss.
    let response = paper.searchScore - conflict / 2
    #expect(response < 0.5)
    #expect(abs(paper.shortfall - (1 - min(1, 0.2 / response, 0.6 / conflict))) < 1e-5)
    #expect(abs(code.shortfall - (1 - min(1, 0.2 / code.loss.item, 0.3 / halved))) < 1e-5)
    #expect(abs(search.shortfall - (1 - min(1, 0.2 / response, 0.3 / halved))) < 1e-5)
    #expect(abs(code.searchScore - (response + halved)) < 1e-5)
  }

  struct OtsuGolden: Decodable {
    let threshold: Int
    let blob: [Int]
  }

  @Test(
    "The blob around a peak is cut at OpenCV's threshold of Otsu, whose own level belongs to it")
  func otsu() throws {
    let url = try #require(
      Bundle.module.url(
        forResource: "otsu", withExtension: "json", subdirectory: "Fixtures/objectives"))
    let goldens = try JSONDecoder().decode([OtsuGolden].self, from: Data(contentsOf: url))
    #expect(goldens.count == 40)
    for (k, golden) in goldens.enumerated() {
      let map = (0..<256).map { cell -> Float in
        let (y, x, n) = (Double(cell / 16), Double(cell % 16), Double(k))
        func bump(_ cy: Int, _ cx: Int, _ width: Double) -> Double {
          let (dy, dx) = (y - Double(cy % 16), x - Double(cx % 16))
          return exp(-(dy * dy + dx * dx) / width)
        }
        return Float(
          (0.05 + 0.02 * n) * bump(k, 3 * k, 4 + n)
            + 0.01 * Double(k % 7) * bump(7 * k, 5 * k, 9)
            + 0.01 * (1 + cos(y + 2 * x + n)))
      }
      let peak = try #require(map.indices.max { map[$0] < map[$1] })
      let blob = OtsuBlob.around(peak, in: map, columns: 16)
      #expect(blob.indices.filter { blob[$0] } == golden.blob, "map \(k)")
    }
    let flat = OtsuBlob.around(3, in: [Float](repeating: 0.2, count: 16), columns: 4)
    #expect(!flat.contains(false))
  }

  @Test(
    "Noise just above a response of one half is worse than noise below it, whatever its conflict")
  func searchScore() {
    // Peaks that are fainter and fainter, of two subjects whose self-attention is the same.
    let scores = stride(from: Float(1), through: 0.03, by: -0.04).map { height in
      let value = faint(height)
      return (response: value.loss.item, score: value.searchScore)
    }
    let (below, above) = (
      scores.filter { $0.response <= 0.5 }, scores.filter { $0.response > 0.5 }
    )
    #expect(below.count > 2 && above.count > 2, "\(scores)")
    #expect((below.map(\.score).max() ?? 9) < (above.map(\.score).min() ?? 0))
    for (response, score) in below { #expect(score >= response && score <= response + 0.5) }
    for (response, score) in above { #expect(score == response + 1) }
  }

  private func faint(_ height: Float) -> ObjectiveValue {
    var values = [Float](repeating: 0, count: 256 * 77)
    for pixel in 0..<256 {
      for (token, peak) in [(2, 20), (5, 60)] where pixel == peak {
        values[pixel * 77 + token] = 0.06 * height
      }
      values[pixel * 77] = 1 - values[pixel * 77 + 2] - values[pixel * 77 + 5]
    }
    var reading = MapReading(grid: Self.reading.grid, lastToken: 6)
    reading.sigma = nil
    return InitNO.Loss(subjects: Self.pair, reading: reading).evaluate(
      PassMaps(
        sites: [ObjectiveMaps.site(.cross, 16), ObjectiveMaps.site(.`self`, 16)],
        probabilities: [
          Tensor(values, shape: [1, 1, 256, 77]), .full(1 / 256, shape: [1, 1, 256, 256]),
        ]))
  }

  @Test("Groups say what is there, what it is like, and what it is not like")
  func propositions() {
    let (red, car, white, sheep) = (Self.word(2), Self.word(3), Self.word(6), Self.word(7))
    #expect(
      PredicatedDiffusion.propositions(of: Self.groups) == [
        .exists(car), .equivalent(red, car), .excludes(red, sheep), .exists(sheep),
        .equivalent(white, sheep), .excludes(white, car),
      ])
  }
}

/// Maps made by formulas, as the script that makes the goldens has them.
enum ObjectiveMaps {
  static func site(_ kind: AttentionSite.Kind, _ side: Int) -> AttentionSite {
    AttentionSite(
      path: "\(kind).\(side)", kind: kind, heads: 1, grid: Grid(rows: side, columns: side),
      keys: kind == .cross ? 77 : side * side)
  }

  /// `[1, 1, pixel, token]`; a bump of token n at row 5n mod 16 and column (7n + 3) mod 16 of 16.
  static func cross(_ side: Int) -> Tensor { cross(side, movedBy: 0) }

  /// At 16×16, with numbers below float32's epsilon times their sum.
  static let sharp = cross(16, movedBy: 0, height: 16)

  /// At 16×16, every map one column further right, around the edge.
  static let moved = cross(16, movedBy: 1)

  /// At 16×16, no two numbers equal.
  static let uneven: Tensor = {
    let maps = cross(16)
    return Tensor(
      maps.values.enumerated().map { $1 * Float(1 + 0.01 * cos(Double($0))) }, shape: maps.shape)
  }()

  static func cross(_ side: Int, movedBy columns: Int, height: Double = 3) -> Tensor {
    let scale = side / 16
    let values = (0..<side * side).flatMap { pixel in
      let (y, x) = (pixel / side, (pixel % side + side - columns) % side)
      return softmax(
        (0..<77).map { token in
          let row = Double(y - scale * (5 * token % 16)) / Double(scale)
          let column = Double(x - scale * ((7 * token + 3) % 16)) / Double(scale)
          return height * exp(-(row * row + column * column) / 18) + (token == 0 ? 4 : 0)
        })
    }
    return Tensor(values, shape: [1, 1, side * side, 77])
  }

  /// `[1, 1, pixel, pixel]` at 16×16; falls with distance.
  static let selfAttention: Tensor = {
    let values = (0..<256).flatMap { i in
      softmax(
        (0..<256).map { j in
          let (y, x) = (Double(i / 16 - j / 16), Double(i % 16 - j % 16))
          return -(y * y + x * x) / Double(4 + i / 16)
        })
    }
    return Tensor(values, shape: [1, 1, 256, 256])
  }()

  private static func softmax(_ logits: [Double]) -> [Float] {
    let sum = logits.reduce(0) { $0 + exp($1) }
    return logits.map { Float(exp($0) / sum) }
  }
}
