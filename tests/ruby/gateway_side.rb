# Somebody on one side of a gateway, who offers an object there:
# gateway_side.rb GATEWAY_URI OWN_URI KEY
require 'drb'
require 'drb/unix'

class Refused < StandardError
  def initialize(by)
    super("refused by #{by.name}")
    @by = by
  end
  attr_reader :by
end

class Shop
  include DRbUndumped

  def initialize(name)
    @name = name
    @clerk = nil
  end
  attr_reader :name

  def clerk
    @clerk ||= Shop.new("clerk of #{@name}")
  end

  def clerks
    { 'first' => [clerk], second: clerk }
  end

  def clerk?(object)
    object.equal?(@clerk)
  end

  # Calls its caller back.
  def ask(customer, about:)
    "#{@name}: #{customer.answer(about)}"
  end

  # Gives back what it gets.
  def echo(object)
    object
  end

  def each
    yield 'tea', 1
    yield ['milk', 2]
    yield [clerk, 3]
    :done
  end

  # A block within a block.
  def each_twice(customer)
    customer.each { |thing| yield thing, customer.each { |other| yield other, nil } }
  end

  def refuse
    # An exception is always copied; what it holds has to be a reference already.
    raise Refused, DRbObject.new(clerk)
  end

  def fetch(key)
    { here: 1 }.fetch(key)
  end
end

$stdout.sync = true
gateway_uri, own_uri, key = ARGV
DRb.start_service(own_uri, nil)
shop = Shop.new(key)
DRbObject.new_with_uri(gateway_uri)[key.to_sym] = shop
puts "ready #{DRb.uri}"
DRb.thread.join
