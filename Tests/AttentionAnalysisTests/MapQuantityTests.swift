import AttentionAnalysis
import AttentionTrace
import RecordingProbe
import Testing

@Suite("What maps are, in words")
struct MapQuantityTests {
  /// The synthetic model has three layers of two heads at 2×3.
  @Test(
    "A recipe is said in words, with the numbers that were found",
    arguments: [
      ("mean(layer: 2x3)", "mean attention probability, 2×3, "),
      (
        "max(head) sum(layer: 2x3) last(step)",
        "attention probability, largest over heads, sum over layers, last of the steps, 2×3, "
      ),
      (
        "mean(layer: 2x3) softmax(token: 100 without start last) smooth(pixel: 3 0.5)",
        "mean attention probability, softmax over tokens of 100 × the probability, smoothed, 2×3, "
      ),
      (
        "mean(layer: 2x3) resize(pixel: bicubic 8x8) clamp(pixel)",
        "mean attention probability, resized (bicubic), negative values set to 0, 8×8, "
      ),
    ])
  func words(_ recipe: String, _ beginning: String) throws {
    var plan = SyntheticRun.everything
    plan.precision = .float32
    try SyntheticRecording.with(SyntheticRun(plan: plan, steps: 5)) { recorded in
      let map = try recorded.maps(
        of: recorded.manifest.subjects, by: Recipe(parsing: recipe))[0]
      let quantity = MapQuantity(map).description
      #expect(quantity.hasPrefix(beginning), "\(quantity)")
      let layers = map.layers.count
      let sources = "\(layers) \(layers == 1 ? "layer" : "layers") × \(map.layers[0].heads) head"
      #expect(quantity.contains(sources), "\(quantity)")
      let steps = recipe.contains("last(step)") ? "1 step" : "5 steps"
      #expect(quantity.hasSuffix(steps), "\(quantity)")
    }
  }

  @Test("Steps that are chosen are named, and axes that are kept apart")
  func apart() throws {
    try SyntheticRecording.with(SyntheticRun(plan: SyntheticRun.everything, steps: 5)) { recorded in
      let recipe = try Recipe(parsing: "mean(layer: 2x3) mean(step: 1..3)")
      let map = try recorded.maps(of: recorded.manifest.subjects, by: recipe)[0]
      #expect(MapQuantity(map).description.hasSuffix(", steps 1–3"))
      let each = MapQuantity(map, apart: [.layer, .head, .step]).description
      #expect(each == "attention probability, each layer and head, each step")
      let byHead = MapQuantity(map, apart: [.head]).description
      #expect(byHead.contains("layer") && byHead.hasSuffix(", each head, steps 1–3"))
    }
  }
}
