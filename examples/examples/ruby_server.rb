# The object that ruby_client.rs calls: ruby ruby_server.rb druby://localhost:9000
require 'drb'
require 'drb/unix'

class Book
  attr_reader :title

  def initialize(title, year)
    @title = title
    @year = year
  end
end

Loan = Struct.new(:book, :until)

class Lent < StandardError
  def initialize(day)
    super("lent until #{day}")
    @until = day
  end
end

class Library
  def initialize
    @books = [Book.new('The dRuby Book', 2012), Book.new('Programming Ruby', 2000), Book.new('The Rust Book', 2018)]
    @loans = {}
    @mutex = Mutex.new
  end

  def search(word, limit: 10)
    @books.select { |book| book.title.include?(word) }.first(limit)
  end

  def lend(title, days)
    @mutex.synchronize do
      raise Lent, @loans[title] if @loans.key?(title)

      book = @books.find { |candidate| candidate.title == title }
      raise KeyError, "no book is named #{title}" unless book

      Loan.new(book, @loans[title] = "day #{days}")
    end
  end

  def empty?
    @books.empty?
  end
end

DRb.start_service(ARGV.fetch(0), Library.new)
puts "ready #{DRb.uri}"
$stdout.flush
DRb.thread.join
