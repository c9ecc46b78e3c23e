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
    "Parts may come in any order, and what is left out has a default",
    arguments: [
      ("mean(layer: 16x16)", Recipe(layers: "16x16")),
      ("  mean(layer:16x16)  mean(step) ", Recipe(layers: "16x16")),
      (
        "loss mean(step: 2..5) mean(head) mean( layer : up* )",
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
      ("max(layer: 16x16)", 1),
      ("mean(layer: 16x16) sometimes", 20), ("mean(layer: 16x16) mean(step: 5)", 20),
      ("mean(layer: 16x16) mean(step: 5..2)", 20), ("mean(layer: 16x16) mean(step: 1...2)", 20),
      ("mean(layer: 16x16) mean(step: ..2)", 20), ("mean(layer: 16x16) mean(step: -1..2)", 20),
      ("mean(layer: 16x16) mean(step: 1..99999999999999999999)", 20), ("mean(head: 3)", 1),
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
