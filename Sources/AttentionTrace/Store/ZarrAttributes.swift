/// The attributes of an array, after the CF conventions where these have a word for it.
package struct ZarrAttributes: Encodable, Sendable {
  package var longName: String
  /// The unit of the numbers; `1` for dimensionless numbers.
  package var units: String?
  /// Names of the arrays that xarray should make coordinates of this one.
  package var coordinates: String?
  package var flagValues: [Int]?
  package var flagMeanings: String?
  /// The vocabulary's spelling of each token along the axis; in a store, of the conditional branch.
  package var pieces: [String]?
  /// The same of the unconditional branch, whose tokens are those of the negative prompt.
  var unconditionalPieces: [String]?
  /// The word that each token along the axis belongs to; empty for none.
  package var words: [String]?
  /// The prompt of each run along the axis.
  package var prompts: [String]?
  /// How many heads lie side by side in the last axis of queries.
  var heads: Int?
  /// What queries times keys are multiplied by before the softmax.
  var scale: Double?

  package init(
    longName: String, units: String? = nil, coordinates: String? = nil, flagValues: [Int]? = nil,
    flagMeanings: String? = nil, pieces: [String]? = nil, unconditionalPieces: [String]? = nil,
    words: [String]? = nil, prompts: [String]? = nil
  ) {
    self.longName = longName
    self.units = units
    self.coordinates = coordinates
    self.flagValues = flagValues
    self.flagMeanings = flagMeanings
    self.pieces = pieces
    self.unconditionalPieces = unconditionalPieces
    self.words = words
    self.prompts = prompts
  }

  enum CodingKeys: String, CodingKey {
    case longName = "long_name"
    case units, coordinates
    case flagValues = "flag_values"
    case flagMeanings = "flag_meanings"
    case unconditionalPieces = "pieces_unconditional"
    case pieces, words, prompts, heads, scale
  }
}
