/// What a word of plain English can be in a noun phrase, told from lists and endings alone.
///
/// There is no grammar behind it: a word that no list knows is taken for a noun.
enum EnglishWord: Hashable {
  /// Opens a phrase: an article, a number, a word that says which or whose.
  case determiner
  /// Says how the noun is: an adjective, a colour.
  case adjective
  /// Ends in -ing or -ed and is not a noun: before the noun it says how that is, after it what it does.
  case participle
  /// Says how much a modifier holds.
  case adverb
  /// A verb's form; after a noun it ends the phrase.
  case verb
  /// Joins two modifiers, or ends the phrase.
  case conjunction
  /// Ends the phrase: a preposition, pronoun or auxiliary.
  case boundary
  /// Anything else.
  case noun

  /// Classifies a word in lower case.
  init(_ word: String) {
    self =
      if let known = Self.known[word] { known } else if word.allSatisfy(\.isNumber) {
        .determiner
      } else if Self.isParticiple(word) { .participle } else if word.hasSuffix("ly") {
        .adverb
      } else {
        .noun
      }
  }

  private static func isParticiple(_ word: String) -> Bool {
    (word.hasSuffix("ing") || word.hasSuffix("ed")) && word.count > 4
  }

  private static let known: [String: EnglishWord] = {
    var known: [String: EnglishWord] = [:]
    for (kind, words) in lists {
      for word in words.split(whereSeparator: \.isWhitespace) { known[String(word)] = kind }
    }
    return known
  }()

  /// Where a word could be several things, what it is most often in descriptions of pictures.
  private static let lists: [(EnglishWord, String)] = [
    (
      .determiner,
      """
      a an the this that these those some any each every no another one two three four five six seven
      eight nine ten eleven twelve dozen many several few both all my your his her its our their 's
      """
    ),
    (.conjunction, "and or , & -"),
    (
      .adverb,
      "very really extremely quite rather slightly too so highly super brightly darkly"
    ),
    (
      .boundary,
      """
      about above across after against along among amid around as at atop before behind below beneath
      beside besides between beyond but by despite down during except for from in inside into like near
      next of off on onto out outside over past per through throughout to toward towards under
      underneath until up upon via while with within without who whom whose which what where when why
      how if because i you he she it we they me him us them himself herself itself themselves something
      someone there here is are was were be been being am has have had having do does did can could will
      would shall should may might must not also just only then than 't 're 've 'm 'll 'd
      """
    ),
    (
      .verb,
      """
      sits sat stands stood lies lay wears wore holds held eats ate rides rode runs ran walks walked
      looks looked flies flew jumps jumped swims swam drinks drank carries carried shows showed plays
      played sleeps slept watches watched drives drove chases chased hangs hung faces contains reads
      makes made takes took gets got goes went comes came sees saw
      """
    ),
    (
      .noun,
      """
      building painting wedding ring king string wing thing nothing everything anything morning evening
      ceiling clothing drawing pudding spring sling swing lightning earring sibling duckling gosling
      railing awning crossing landing ending clearing lighting icing stuffing dressing sting viking
      bed seed shed sled weed reed breed steed seabed newlywed fly butterfly dragonfly firefly family
      jelly lily belly holly bully ally assembly rally tally wheelbarrow
      """
    ),
    (
      .adjective,
      """
      red orange yellow green blue purple pink brown gray grey black white golden gold silver crimson
      scarlet violet indigo turquoise teal cyan magenta maroon beige ivory navy lime olive colorful
      colourful colored coloured multicolored dark light bright pale deep vivid pastel dull rainbow
      big small large little tiny huge giant enormous gigantic massive tall short long wide narrow thick
      thin fat slim high low deep shallow round square oval flat sharp pointed curly straight curved
      old young new ancient modern vintage antique retro futuristic medieval baby adult elderly
      hot cold warm cool wet dry clean dirty dusty muddy rusty shiny glossy matte smooth rough soft hard
      fluffy furry hairy fuzzy wooden metallic golden woolen plastic woolly silky velvet leather stone
      happy sad angry cute beautiful pretty handsome ugly scary friendly lovely lonely silly funny
      cheerful gloomy sleepy tired hungry fierce gentle calm brave wild tame majestic elegant fancy
      simple plain empty full open closed broken striped spotted checkered transparent translucent
      foggy misty sunny rainy snowy cloudy stormy icy frozen sandy rocky grassy mossy leafy
      delicious fresh ripe rotten raw sweet sour spicy electric magic magical mystical mysterious strange
      weird famous royal real realistic photorealistic cinematic detailed realistic epic good bad great
      nice fine best perfect same different main other own double single american english french german
      italian chinese japanese african asian european mexican indian left right upper lower front
      """
    ),
  ]
}
