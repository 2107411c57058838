# Random values of everything that Ruby can dump, for differential tests. The same seed gives the
# same values.
#
#   RandomValues.new(seed).value
require 'set'
require 'bigdecimal'
require 'ostruct'

module RandomClasses
  Point = Struct.new(:x, :y)
  Options = Struct.new(:name, :value, keyword_init: true)

  class Plain
    def initialize(*values)
      values.each_with_index { |value, i| instance_variable_set("@v#{i}", value) }
    end
  end

  # Dumps itself as a String.
  class Dumped
    def initialize(text)
      @text = text
    end

    def _dump(_depth)
      @text
    end

    def self._load(text)
      new(text)
    end
  end

  # Dumps itself as another value.
  class Marshalled
    def initialize(value)
      @value = value
    end

    def marshal_dump
      [@value]
    end

    def marshal_load(dumped)
      @value = dumped.first
    end
  end

  class Text < String; end
  class List < Array; end
  class Table < Hash; end
  class Pattern < Regexp; end

  class Failure < StandardError
    def initialize(message, detail)
      super(message)
      @detail = detail
    end
  end

  module Marked; end
  module Noted; end
end

class RandomValues
  ENCODINGS = %w[UTF-8 US-ASCII ASCII-8BIT Shift_JIS EUC-JP ISO-8859-1 UTF-16LE UTF-32BE Windows-1252]
              .map { |name| Encoding.find(name) }
  WORDS = %w[a b x key name value Ünïcode 日本語 🎉 empty? []= with\ space @v0 E encoding].freeze
  CLASSES = [String, Integer, Comparable, Process::Status, RandomClasses::Plain, Math, Errno::ENOENT].freeze
  EDGES = [0, 1, -1, 122, 123, -123, -124, 255, 256, -256, -257, 65_535, 65_536, -65_537, 2**30 - 1, 2**30,
           -2**30, -2**30 - 1, 2**31, 2**32, 2**62 - 1, 2**62, -2**62, -2**62 - 1, 2**63, 2**64, -2**64].freeze
  FLOATS = [0.0, -0.0, 1.0, -1.5, 0.1, 100.0, 120.0, 1e22, 1e23, 1e-5, 0.0001, 5e-324, 1.7976931348623157e308,
            2.2250738585072014e-308, Float::INFINITY, -Float::INFINITY, Float::NAN, 1.0 / 3].freeze

  def initialize(seed)
    @random = Random.new(seed)
  end

  # One value. It may contain the same object several times, and itself.
  def value
    @made = []
    make(@random.rand(5))
  end

  private

  def make(depth)
    return @made.sample(random: @random) if !@made.empty? && @random.rand(12).zero?

    kept(depth.positive? && @random.rand(3).positive? ? compound(depth - 1) : simple)
  end

  # Only what has an identity can be met again.
  def kept(value)
    @made << value unless value.nil? || value == true || value == false
    value
  end

  def simple
    case @random.rand(16)
    when 0 then [nil, true, false].sample(random: @random)
    when 1 then @random.rand(-200..200)
    when 2 then EDGES.sample(random: @random) + @random.rand(-1..1)
    when 3 then @random.rand(2**@random.rand(1..400)) * [1, -1].sample(random: @random)
    when 4 then FLOATS.sample(random: @random)
    when 5 then [@random.bytes(8)].first.unpack1('D')
    when 6 then @random.rand
    when 7, 8, 9 then string
    when 10, 11 then symbol
    when 12 then CLASSES.sample(random: @random)
    when 13 then time
    when 14 then number
    else regexp
    end
  end

  def compound(depth)
    case @random.rand(17)
    when 0, 1, 2 then fill([], depth)
    when 3, 4, 5 then table({}, depth)
    when 6 then table(Hash.new(make(depth)), depth)
    when 7 then table({}.compare_by_identity, depth)
    when 8 then RandomClasses::Point.new(make(depth), make(depth))
    when 9 then RandomClasses::Options.new(name: make(depth), value: make(depth))
    when 10 then RandomClasses::Plain.new(*Array.new(@random.rand(4)) { make(depth) })
    when 11 then RandomClasses::Marshalled.new(make(depth))
    when 12 then subclassed(depth)
    when 13 then extended(depth)
    when 14 then failure(depth)
    when 15 then Range.new(@random.rand(-9..9), @random.rand(10..99), [true, false].sample(random: @random))
    else cyclic(depth)
    end
  end

  def fill(list, depth)
    @random.rand(6).times { list << make(depth) }
    list
  end

  def table(hash, depth)
    @random.rand(6).times do
      key = @random.rand(4).zero? ? simple : simple_key
      hash[key] = make(depth)
    end
    hash
  end

  def simple_key
    @random.rand(2).zero? ? symbol : string
  end

  def string
    text = case @random.rand(5)
           when 0 then +''
           when 1 then WORDS.sample(random: @random).dup
           when 2 then @random.bytes(@random.rand(40))
           when 3 then 'x' * @random.rand(400)
           else Array.new(@random.rand(8)) { WORDS.sample(random: @random) }.join(' ')
           end
    text.force_encoding(ENCODINGS.sample(random: @random)) if @random.rand(3).zero?
    text.instance_variable_set(:@note, make(0)) if @random.rand(20).zero?
    text
  end

  def symbol
    return "s#{@random.rand(1000)}".to_sym if @random.rand(3).zero?

    word = WORDS.sample(random: @random)
    word = word.encode(%w[Shift_JIS EUC-JP UTF-16LE].sample(random: @random)) if word == '日本語' && @random.rand(2).zero?
    word = word.b if @random.rand(9).zero?
    word.to_sym
  end

  def time
    seconds = @random.rand(-2**31..2**33)
    parts = @random.rand(1_000_000_000)
    case @random.rand(4)
    when 0 then Time.at(seconds)
    when 1 then Time.at(seconds, parts, :nsec).utc
    when 2 then Time.at(seconds, parts, :nsec, in: format('%+03d:30', @random.rand(-11..11)))
    else Time.at(seconds, Rational(@random.rand(10**12), 10**12))
    end
  end

  def number
    case @random.rand(4)
    when 0 then Rational(@random.rand(-999..999), @random.rand(1..999))
    when 1 then Complex(@random.rand(-9..9), @random.rand)
    when 2 then BigDecimal(@random.rand.to_s)
    else RandomClasses::Dumped.new(string)
    end
  end

  def regexp
    source = WORDS.sample(random: @random)
    kind = @random.rand(5).zero? ? RandomClasses::Pattern : Regexp
    kind.new(Regexp.escape(source), @random.rand(8))
  end

  def subclassed(depth)
    case @random.rand(5)
    when 0 then RandomClasses::Text.new(string)
    when 1 then fill(RandomClasses::List.new, depth)
    when 2 then table(RandomClasses::Table.new, depth)
    when 3 then Set.new(Array.new(@random.rand(4)) { simple_key })
    else OpenStruct.new(name: make(depth))
    end
  end

  def extended(depth)
    value = [string, fill([], depth), table({}, depth), RandomClasses::Plain.new(make(depth))].sample(random: @random)
    value.extend(RandomClasses::Marked)
    value.extend(RandomClasses::Noted) if @random.rand(2).zero?
    value
  end

  def failure(depth)
    error = RandomClasses::Failure.new(string, make(depth))
    error.set_backtrace(["app.rb:#{@random.rand(99)}:in `run'"]) if @random.rand(2).zero?
    error
  end

  def cyclic(depth)
    case @random.rand(3)
    when 0
      list = fill([], depth)
      list << list
    when 1
      hash = table({}, depth)
      hash[:self] = hash
      hash
    else
      object = RandomClasses::Plain.new(make(depth))
      object.instance_variable_set(:@me, object)
      object
    end
  end
end
