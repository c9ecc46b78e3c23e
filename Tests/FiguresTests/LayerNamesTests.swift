import AttentionTrace
import Drawing
import Figures
import Testing

@Suite("Names of layers")
struct LayerNamesTests {
  private func names(_ paths: [String]) -> [String] {
    let sites = paths.map { path in
      RecordedSite(
        site: AttentionSite(
          path: path, kind: .joint, heads: 2, grid: Grid(rows: 4, columns: 6), keys: 30),
        heads: [0, 1], tokens: [0, 1])
    }
    let names = LayerNames(sites)
    return paths.map { names[$0] }
  }

  @Test(
    "A layer is called by its place in the network, as short as tells it apart",
    arguments: [
      (
        [
          "down_blocks.0.attentions.1.transformer_blocks.0.attn2",
          "mid_block.attentions.0.transformer_blocks.0.attn2",
          "up_blocks.2.attentions.0.transformer_blocks.0.attn2",
        ],
        ["down 0.1", "mid", "up 2.0"]
      ),
      (
        [
          "down_blocks.1.attentions.0.transformer_blocks.0.attn2",
          "down_blocks.1.attentions.0.transformer_blocks.1.attn2",
          "mid_block.attentions.0.transformer_blocks.1.attn2",
        ],
        ["down 1.0.0", "down 1.0.1", "mid 1"]
      ),
      (
        [
          "transformer_blocks.0.attn", "single_transformer_blocks.12.attn",
          "joint_transformer_blocks.3.attn",
        ],
        ["block 0", "single block 12", "joint block 3"]
      ),
      (
        ["transformer_blocks.0.attn1", "transformer_blocks.0.attn2", "transformer_blocks.1.attn2"],
        ["block 0 attn1", "block 0 attn2", "block 1"]
      ),
      (
        ["blocks.7.attn2", "layers.5.attention", "context_refiner.0.attn"],
        ["block 7", "layer 5", "context refiner 0"]
      ),
      (["layer_0", "mid", "down_64"], ["layer 0", "mid", "down 64"]),
      (["a.b_c", "a.b c"], ["a b c", "a b c"]),
    ])
  func names(_ paths: [String], _ expected: [String]) {
    let made = names(paths)
    #expect(Set(made).count == paths.count)
    if Set(expected).count == paths.count {
      #expect(made == expected.map { $0 + " 4×6" })
    } else {
      #expect(made == paths.map { $0 + " 4×6" })
    }
  }
}
