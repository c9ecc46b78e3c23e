import AttentionAnalysis
import AttentionTrace
import Testing

@Suite("Recipes")
struct RecipeTests {
  @Test("A recipe is read back from its own text")
  func roundTrip() throws {
    for layers in ["16x16", "up*", "*.attn2", "mid_block.attentions.0.transformer_blocks.0.attn2"] {
      for steps in [nil, 0...0, 3...24] as [ClosedRange<Int>?] {
        for branch in Branch.allCases {
          for phase in Phase.allCases {
            let recipe = Recipe(layers: layers, steps: steps, branch: branch, phase: phase)
            #expect(try Recipe(parsing: recipe.description) == recipe)
          }
        }
      }
    }
  }

  @Test(
    "Branch and phase may stand anywhere, and what is left out has a default",
    arguments: [
      ("mean(layer: 16x16)", Recipe(layers: "16x16")),
      ("  mean(layer:16x16)  mean(step) ", Recipe(layers: "16x16")),
      (
        "loss mean(head) mean( layer : up* ) mean(step: 2..5)",
        Recipe(layers: "up*", steps: 2...5, phase: .loss)
      ),
      ("unconditional mean(layer: 8x4)", Recipe(layers: "8x4", branch: .unconditional)),
    ])
  func reading(text: String, expected: Recipe) throws {
    #expect(try Recipe(parsing: text) == expected)
  }

  @Test(
    "What cannot be read is named with its column",
    arguments: [
      ("", 1), ("mean(head)", 11), ("mean(layer: )", 1), ("mean(layer)", 1),
      ("min(layer: 16x16)", 1), ("mean(layer: 16x16) mean(layer: up*)", 20),
      ("mean(layer: 16x16) last(head)", 20), ("mean(layer: 16x16) mean(time)", 25),
      ("mean(layer: 16x16) conditional unconditional", 45),
      ("mean(layer: 16x16) softmax(token)", 20), ("mean(layer: 16x16) softmax(token: 0)", 20),
      ("mean(layer: 16x16) softmax(token: 100 with start)", 39),
      ("mean(layer: 16x16) normalize(token: without)", 37),
      ("mean(layer: 16x16) smooth(pixel: 4 1)", 20), ("mean(layer: 16x16) smooth(pixel: 3 0)", 20),
      ("mean(layer: 16x16) resize(pixel: lanczos 8x8)", 20),
      ("mean(layer: 16x16) resize(pixel: bicubic 8)", 42), ("daam conditional", 6),
      ("mean(layer: 16x16) max(piece) mean(piece)", 31), ("weighted(head: 1 x)", 1),
      ("mean(layer: 16x16) tokens(cat,)", 20),
      ("mean(layer: 16x16) sometimes", 20), ("mean(layer: 16x16) mean(step: 5,4)", 20),
      ("mean(layer: 16x16) mean(step: 5..2)", 20), ("mean(layer: 16x16) mean(step: 1...2)", 20),
      ("mean(layer: 16x16) mean(step: ..2)", 20), ("mean(layer: 16x16) mean(step: -1..2)", 20),
      ("mean(layer: 16x16) mean(step: 1..99999999999999999999)", 20), ("mean(head: x)", 1),
      ("mean(layer: 16x16", 1), ("  é mean(layer: 16x16)", 3), (")", 1),
    ])
  func refused(text: String, column: Int) {
    do {
      let recipe = try Recipe(parsing: text)
      Issue.record("read as \(recipe)")
    } catch let AnalysisError.badRecipe(whole, place, _) {
      #expect(whole == text && place == column)
    } catch {
      Issue.record("\(error)")
    }
  }

  @Test(
    "A recipe of every part is read back from its own text, and printed the same again",
    arguments: [
      "mean(head) mean(layer: 16x16) mean(step) conditional denoise",
      "max(head: 0,2..4) sum(layer: up*, down*) last(step: 3..7) conditional loss denoise",
      "weighted(head: 0.5 0.0 0.25) max(layer: *) mean(step) unconditional refinement",
      "mean(step) weighted(head: @a folder/weights.json) mean(layer: loss-grid) conditional denoise",
      "mean(branch) mean(head) mean(layer: 8x4) mean(step) conditional unconditional denoise",
      "mean(head) mean(layer: 16x16) normalize(token) minmax(pixel) mean(step) conditional denoise",
      "mean(head) mean(layer: 16x16) normalize(token: without start end padding) "
        + "smooth(pixel: 5 1.5) clamp(pixel) mean(step) max(piece) conditional denoise",
      "resize(pixel: bicubic largest) mean(head) mean(layer: *) softmax(token: 100 without unread) "
        + "resize(pixel: nearest 64x96) mean(step) tokens(cat, frog#2, <end>) conditional denoise",
    ] + NamedRecipe.allCases.map(\.recipe.description))
  func canonical(text: String) throws {
    let recipe = try Recipe(parsing: text)
    #expect(recipe.description == text)
    #expect(try Recipe(parsing: recipe.description) == recipe)
  }

  @Test("A name stands for its recipe", arguments: NamedRecipe.allCases)
  func names(_ named: NamedRecipe) throws {
    #expect(try Recipe(parsing: " " + named.rawValue) == named.recipe)
  }

  @Test("The message has a caret under the place")
  func caret() {
    let error = AnalysisError.badRecipe(text: "mean(head) x", column: 12, reason: "expected y")
    #expect(
      error.description.split(separator: "\n").last?.firstIndex(of: "^").map {
        error.description.split(separator: "\n").last?.distance(
          from: error.description.split(separator: "\n").last?.startIndex ?? $0, to: $0)
      } == 13)
  }
}
