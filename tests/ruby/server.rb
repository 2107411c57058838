# A Ruby server for Rust clients: server.rb URI
require 'drb'
require 'drb/unix'
require 'set'
require 'bigdecimal'

module Shop
  # A plain object, which crosses by value.
  class Item
    attr_reader :name, :price

    def initialize(name, price)
      @name = name
      @price = price
    end

    def ==(other)
      other.is_a?(Item) && [name, price] == [other.name, other.price]
    end
  end

  Point = Struct.new(:x, :y)

  class OutOfStock < StandardError
    def initialize(message, item, left)
      super(message)
      @item = item
      @left = left
    end
  end

  class Unlisted < OutOfStock; end
end

# What only this process knows how to load.
class Local
  def initialize
    @secret = [1, { deep: 'value' }]
  end

  def ==(other)
    other.instance_variable_get(:@secret) == @secret
  end
end

# Stays here; a reference travels.
class Counter
  include DRbUndumped

  def initialize
    @count = 0
    @mutex = Mutex.new
  end

  def inc(by = 1)
    @mutex.synchronize { @count += by }
  end
end

class Front
  def initialize
    @items = {}
    @counter = Counter.new
  end

  attr_reader :counter

  # How Ruby sees its arguments.
  def seen(*args, **keywords)
    args.map(&:inspect) + keywords.map { |name, value| "#{name}: #{value.inspect}" }
  end

  def encoding(text)
    "#{text.encoding} #{text.bytes.inspect}"
  end

  def echo(value)
    value
  end

  # Any result.
  def evaluate(code)
    eval(code)
  end

  # An argument as Ruby dumps it, and what it has to be.
  def marshalled(value)
    Marshal.dump(value).unpack1('H*')
  end

  def marshalled_code(code)
    marshalled(Marshal.load(Marshal.dump(eval(code))))
  end

  # Whether an argument is what the code says.
  def same?(value, code)
    expected = eval(code)
    value.class == expected.class && Marshal.dump(value) == Marshal.dump(expected)
  end

  def [](key)
    @items[key]
  end

  def []=(key, value)
    @items[key] = value
  end

  def +(other)
    "sum with #{other}"
  end

  def empty?
    @items.empty?
  end

  def clear!
    @items.clear
    nil
  end

  def greet(name, greeting: 'Hello', punctuation:)
    "#{greeting}, #{name}#{punctuation}"
  end

  def optional(a, b = 2, *rest)
    [a, b, rest]
  end

  def buy(name, count)
    raise Shop::OutOfStock.new("no #{name} left", name, 3) if count > 3
    raise Shop::Unlisted.new('unlisted', name, 0) if name == 'secret'
    raise ArgumentError, "count must be positive, got #{count}" if count < 1

    Shop::Item.new(name, count * 1.5)
  end

  def item?(value)
    value == Shop::Item.new('tea', 2.5)
  end

  def counter_is_here?(object)
    object.equal?(@counter)
  end

  # The peer has no class of this name.
  def local
    @local ||= Local.new
  end

  def local_again?(value)
    value == local
  end

  def sleep_for(seconds)
    sleep seconds
    :slept
  end

  def leave
    exit!(1)
  end

  private

  def hidden
    :hidden
  end
end


DRb.start_service(ARGV.fetch(0), Front.new)
puts "ready #{DRb.uri}"
$stdout.flush
DRb.thread.join
